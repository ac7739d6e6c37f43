import { type MixnetAddress, MixnetError, type WaitOptions } from '../Mixnet.ts'
import type { Incoming, Link, OpenLink, Outgoing } from './Link.ts'
import { createOutbox } from './outbox.ts'
import { createSelfPing, type RoundTrip } from './selfPing.ts'
import { backoffMs, sleep, untilAborted } from './wait.ts'

export interface LinkOptions {
  /** Limit of one attempt to connect. Default 30 000. */
  readonly connectTimeoutMs?: number
  /** Between messages to ourselves, times U(0.7, 1.3). Default 15 000 for a listener, 30 000 for a dialer. */
  readonly pingIntervalMs?: number
  /** Without one of them back for so long the gateway counts as lost. Default three intervals. */
  readonly lostAfterMs?: number
  /** First and longest pause between attempts to come back, doubling, times U(0.7, 1.3). Default 250 and 30 000. */
  readonly minBackoffMs?: number
  readonly maxBackoffMs?: number
  /** What waits while the gateway is lost: default 256 messages, 16 777 216 bytes, and 30 000 ms for each. */
  readonly maxWaitingMessages?: number
  readonly maxWaitingBytes?: number
  readonly maxWaitMs?: number
}

export interface KeptLink {
  start(options?: WaitOptions): Promise<void>
  stop(): Promise<void>
  submit(message: Outgoing, options?: WaitOptions): Promise<void>
  /** @throws MixnetError `stopped` before start */
  address(): MixnetAddress
  /** False while the gateway is lost. */
  connected(): boolean
  lastRoundTrip(): RoundTrip | undefined
}

/** A link that comes back: watched by pings to ourselves, opened again when it is lost, with what is to be sent waiting. */
export function keepLink({
  open,
  prove,
  receive,
  restarted,
  pingIntervalMs,
  lostAfterMs = 3 * pingIntervalMs,
  connectTimeoutMs = 30_000,
  minBackoffMs = 250,
  maxBackoffMs = 30_000,
  maxWaitingMessages = 256,
  maxWaitingBytes = 16_777_216,
  maxWaitMs = 30_000,
}: LinkOptions & {
  readonly open: OpenLink
  /** Whether a link counts as open only after a round trip through the mixnet. */
  readonly prove: boolean
  readonly receive: (message: Incoming) => void
  readonly restarted: () => void
  readonly pingIntervalMs: number
}): KeptLink {
  const outbox = createOutbox({ maxMessages: maxWaitingMessages, maxBytes: maxWaitingBytes, maxWaitMs })
  const ping = createSelfPing()
  let life: Life | undefined
  let current: Link | undefined

  /** One link, with a promise for its loss. */
  const connect = async (end: AbortSignal): Promise<{ link: Link; lost: Promise<void> }> => {
    const attempt = new AbortController()
    const giveUp = () => attempt.abort(end.reason)
    const timer = setTimeout(
      () => attempt.abort(new MixnetError('unreachable', 'The mixnet did not answer in time.')),
      connectTimeoutMs,
    )
    end.addEventListener('abort', giveUp, { once: true })
    let link: Link | undefined
    try {
      end.throwIfAborted()
      let lose = () => {}
      const lost = new Promise<void>((resolve) => {
        lose = resolve
      })
      const early: Incoming[] = []
      const hear = (message: Incoming) => {
        if (!link && early.length < maxEarlyMessages) early.push(message)
        else if (!link) return
        else if (!ping.take(message, link)) receive(message)
      }
      link = await open({ receive: hear, lost: lose }, attempt.signal)
      for (const message of early.splice(0)) hear(message)
      if (prove) {
        await Promise.race([
          ping.prove(link, attempt.signal),
          lost.then(() =>
            Promise.reject(new MixnetError('unreachable', 'The gateway closed the connection.')),
          ),
        ])
      }
      return { link, lost }
    } catch (error) {
      await link?.close()
      throw asMixnetError(error, attempt.signal)
    } finally {
      clearTimeout(timer)
      end.removeEventListener('abort', giveUp)
    }
  }

  const begin = (): Life => {
    const end = new AbortController()
    const born: Life = { end, started: Promise.resolve(), kept: Promise.resolve(), address: undefined }
    born.started = connect(end.signal).then((first) => {
      born.kept = keep(born, first)
    })
    return born
  }

  const keep = async (mine: Life, first: { link: Link; lost: Promise<void> }) => {
    const end = mine.end.signal
    const ended = new Promise<void>((resolve) => {
      if (end.aborted) resolve()
      end.addEventListener('abort', () => resolve(), { once: true })
    })
    for (let { link, lost } = first; ; ) {
      if (!end.aborted) {
        current = link
        mine.address = link.address
        outbox.open((message) => link.carry(message))
        if (link !== first.link) restarted()
      }
      const watch = new AbortController()
      const silent = ping.watch(
        link,
        { intervalMs: pingIntervalMs, lostAfterMs },
        AbortSignal.any([end, watch.signal]),
      )
      await Promise.race([lost, silent, ended])
      watch.abort()
      if (current === link) {
        current = undefined
        outbox.close()
      }
      await link.close()
      for (let attempt = 0; ; attempt += 1) {
        try {
          await sleep(backoffMs(attempt, minBackoffMs, maxBackoffMs), end)
          ;({ link, lost } = await connect(end))
          break
        } catch {
          // Until stop() there is nothing to do but try again.
          if (end.aborted) return
        }
      }
    }
  }

  return {
    async start({ signal } = {}) {
      signal?.throwIfAborted()
      life ??= begin()
      const mine = life
      try {
        await untilAborted(mine.started, signal)
      } catch (error) {
        mine.end.abort(error)
        if (life === mine) life = undefined
        await mine.started.catch(() => undefined)
        await mine.kept
        throw error
      }
    },

    async stop() {
      const ending = life
      life = undefined
      current = undefined
      outbox.end()
      ending?.end.abort(new MixnetError('stopped', 'The transport was stopped.'))
      await ending?.started.catch(() => undefined)
      await ending?.kept
    },

    async submit(message, options = {}) {
      options.signal?.throwIfAborted()
      if (!life?.address) throw new MixnetError('stopped', 'The transport is not running.')
      await outbox.submit(message, options)
    },

    address() {
      if (!life?.address) throw new MixnetError('stopped', 'The transport is not running.')
      return life.address
    },

    connected: () => current !== undefined,
    lastRoundTrip: ping.lastRoundTrip,
  }
}

/** From a start to its stop. */
interface Life {
  readonly end: AbortController
  started: Promise<void>
  /** Ends after the last link is closed. */
  kept: Promise<void>
  address: MixnetAddress | undefined
}

/** What may arrive, kept by the gateway for us, before a link is told to be open. */
const maxEarlyMessages = 4096

/** Nym's texts may name keys: 32 bytes in base58 are left out of ours. */
function asMixnetError(error: unknown, signal: AbortSignal): unknown {
  if (error instanceof MixnetError) return error
  if (signal.aborted) return signal.reason
  const text = String(error instanceof Error ? error.message : error)
  const cause = new Error(text.replace(/[1-9A-HJ-NP-Za-km-z]{32,}/g, '…').slice(0, 300))
  return new MixnetError('unreachable', 'The mixnet cannot be reached.', { cause })
}
