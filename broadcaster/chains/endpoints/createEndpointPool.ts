import { setMaxListeners } from 'node:events'
import { ChainUnavailable, type EndpointHealth, type WaitOptions } from '../ChainAdapter.ts'
import type { Endpoint, EndpointPool, ProbeResult } from './EndpointPool.ts'
import { EndpointProblem } from './EndpointProblem.ts'
import { withDeadline } from './withDeadline.ts'

export interface EndpointPoolOptions<Client> {
  readonly endpoints: readonly Endpoint<Client>[]
  /** Asks which chain the endpoint is on and how far it is. A rejection counts as trouble (EndpointProblem says which). */
  readonly probe: (client: Client, signal: AbortSignal) => Promise<ProbeResult>
  /** Default 3 s. What is in trouble is probed later and later, up to 20 times this. */
  readonly probeIntervalMs?: number
  /** Default 4 s. */
  readonly probeTimeoutMs?: number
  /** Further than so many blocks below the others is `behind`. Default 5. */
  readonly maxBlocksBehind?: number
  /** For each endpoint that is asked. Default 8 s. */
  readonly askTimeoutMs?: number
  /** For each endpoint that is asked what a wallet wants to know, at most `askTimeoutMs`. Default 4 s. */
  readonly walletTimeoutMs?: number
  /** Endpoints asked until one answers. Default 3. */
  readonly maxAttempts?: number
  readonly random?: () => number
}

type Trouble = Exclude<EndpointHealth['trouble'], 'none'>

/** What a probe has to wait after trouble, in probe intervals; doubles with each further trouble, up to the limit. */
const setAsideIntervals: Record<Trouble, number> = {
  unreachable: 1,
  behind: 1,
  rateLimited: 4,
  wrongChain: 10,
  lied: 20,
}
const maxSetAsideIntervals = 20

interface Watched<Client> {
  readonly endpoint: Endpoint<Client>
  trouble: EndpointHealth['trouble']
  height: bigint
  latencyMs: number | undefined
  /** Troubles since the last good probe but one. */
  strikes: number
  /** Counts reports, so that a probe that was under way before one does not clear it. */
  reports: number
  timer: NodeJS.Timeout | undefined
  /** The probe that is under way, or the last one. Never rejects. */
  probing: Promise<void>
}

/** Probes each endpoint at start and at an interval; an endpoint in trouble is left alone until a good probe. */
export function createEndpointPool<Client>(options: EndpointPoolOptions<Client>): EndpointPool<Client> {
  const {
    probe,
    probeIntervalMs = 3_000,
    probeTimeoutMs = 4_000,
    maxBlocksBehind = 5,
    askTimeoutMs = 8_000,
    walletTimeoutMs = Math.min(4_000, askTimeoutMs),
    maxAttempts = 3,
    random = Math.random,
  } = options
  const watched = new Map<string, Watched<Client>>()
  for (const endpoint of options.endpoints) {
    if (watched.has(endpoint.id)) throw new RangeError(`Two endpoints have the id ${endpoint.id}.`)
    watched.set(endpoint.id, {
      endpoint,
      trouble: 'unreachable',
      height: 0n,
      latencyMs: undefined,
      strikes: 0,
      reports: 0,
      timer: undefined,
      probing: Promise.resolve(),
    })
  }
  let stopping: AbortController | undefined

  const probeIn = (one: Watched<Client>, ms: number): void => {
    clearTimeout(one.timer)
    if (!stopping || stopping.signal.aborted) return
    const { signal } = stopping
    one.timer = setTimeout(() => {
      one.probing = one.probing.then(() => probeOnce(one, signal))
    }, ms)
    one.timer.unref()
  }

  const probeOnce = async (one: Watched<Client>, signal: AbortSignal): Promise<void> => {
    const startedAt = performance.now()
    const { reports } = one
    try {
      const { onRightChain, height } = await withDeadline(probeTimeoutMs, signal, (deadline) =>
        probe(one.endpoint.client, deadline),
      )
      if (signal.aborted || one.reports !== reports) return
      const took = performance.now() - startedAt
      one.latencyMs = one.latencyMs === undefined ? took : one.latencyMs * 0.8 + took * 0.2
      if (!onRightChain) return setAside(one, 'wrongChain')
      one.height = height
      if (one.trouble === 'none') one.strikes = 0
      one.trouble = isBehind(one) ? 'behind' : 'none'
      // Of others it can only clear the suspicion: their own heights are older than this one.
      for (const other of watched.values()) {
        if (other.trouble === 'behind' && !isBehind(other)) other.trouble = 'none'
      }
      probeIn(one, probeIntervalMs * (0.8 + random() * 0.4))
    } catch (error) {
      if (signal.aborted || one.reports !== reports) return
      setAside(one, troubleIn(error) ?? 'unreachable')
    }
  }

  const setAside = (one: Watched<Client>, trouble: Trouble): void => {
    one.trouble = trouble
    one.reports++
    const intervals = setAsideIntervals[trouble] * 2 ** Math.min(one.strikes, 10)
    one.strikes++
    probeIn(one, probeIntervalMs * Math.min(intervals, maxSetAsideIntervals) * (0.8 + random() * 0.4))
  }

  /** What fails while it is set aside already is one trouble, unless it is a worse one. */
  const report = (one: Watched<Client>, trouble: Trouble): void => {
    if (one.trouble === 'none' || setAsideIntervals[trouble] > setAsideIntervals[one.trouble]) {
      setAside(one, trouble)
    }
  }

  /** Asked when its own height is the newest: blocks that come between two probes make nobody late. */
  const isBehind = (one: Watched<Client>): boolean => {
    const reached = [...watched.values()].filter(
      (other) => other === one || other.trouble === 'none' || other.trouble === 'behind',
    )
    return one.height + BigInt(maxBlocksBehind) < referenceHeight(reached)
  }

  const liveOnes = (): Watched<Client>[] => [...watched.values()].filter(({ trouble }) => trouble === 'none')

  async function ask<T>(
    question: (client: Client, signal: AbortSignal) => Promise<T>,
    settles: (answer: T) => boolean,
    options: WaitOptions & {
      readonly last?: string | undefined
      readonly first?: Client | undefined
      readonly among?: (client: Client) => boolean
    },
    {
      counts = () => true,
      timeoutMs = askTimeoutMs,
    }: { readonly counts?: (trouble: Trouble) => boolean; readonly timeoutMs?: number } = {},
  ): Promise<readonly [T, ...T[]]> {
    // What several wait for is nobody's to abort; it ends with the pool.
    const signal = options.signal ?? stopping?.signal
    signal?.throwIfAborted()
    let asked: { readonly answer: T; readonly operator: string } | undefined
    let attempts = 0
    const lastOperator = options.last === undefined ? undefined : watched.get(options.last)?.endpoint.operator
    const { first, among = () => true } = options
    const rank = ({ endpoint }: Watched<Client>) =>
      Number(endpoint.operator === lastOperator) - Number(endpoint.client === first)
    const askable = liveOnes().filter(({ endpoint }) => among(endpoint.client))
    for (const one of shuffle(askable, random).sort((a, b) => rank(a) - rank(b))) {
      const { operator, client } = one.endpoint
      if (operator === asked?.operator) continue
      if (attempts++ === maxAttempts) break
      try {
        const answer = await withDeadline(timeoutMs, signal, (deadline) => question(client, deadline))
        if (asked) return [asked.answer, answer]
        if (settles(answer)) return [answer]
        asked = { answer, operator }
      } catch (error) {
        signal?.throwIfAborted()
        const trouble = troubleIn(error)
        if (trouble && counts(trouble)) report(one, trouble)
      }
    }
    if (asked) return [asked.answer]
    throw new ChainUnavailable('No endpoint of the chain gave a usable answer.')
  }

  return {
    async start() {
      if (!stopping || stopping.signal.aborted) {
        stopping = new AbortController()
        // One listener for each question that many wait for.
        setMaxListeners(0, stopping.signal)
        for (const one of watched.values()) one.probing = probeOnce(one, stopping.signal)
      }
      await Promise.all([...watched.values()].map(({ probing }) => probing))
    },

    async stop() {
      stopping?.abort(new DOMException('The endpoint pool is stopped.', 'AbortError'))
      for (const one of watched.values()) {
        clearTimeout(one.timer)
        one.trouble = 'unreachable'
      }
      await Promise.all([...watched.values()].map(({ probing }) => probing))
    },

    live: () => liveOnes().length > 0,

    pick({ sticky, avoid } = {}) {
      const ids = liveOnes()
        .map(({ endpoint }) => endpoint.id)
        .filter((id) => !avoid?.has(id))
      if (sticky !== undefined && ids.includes(sticky)) return sticky
      return ids[Math.floor(random() * ids.length)]
    },

    get: (id) => watched.get(id)?.endpoint,

    async ask(question, options = {}) {
      return (await ask(question, () => true, options))[0]
    },

    async askForWallet(question, options = {}) {
      return (
        await ask(question, () => true, options, {
          counts: (trouble) => trouble !== 'unreachable',
          timeoutMs: walletTimeoutMs,
        })
      )[0]
    },

    askTwo: (question, settles, options = {}) => ask(question, settles, options),

    operators: new Set(options.endpoints.map(({ operator }) => operator)).size,

    report(id, trouble) {
      const one = watched.get(id)
      if (one) report(one, trouble)
    },

    health: () =>
      [...watched.values()].map(({ endpoint, trouble, height, latencyMs }) => ({
        id: endpoint.id,
        operator: endpoint.operator,
        live: trouble === 'none',
        height,
        latencyMs,
        trouble,
      })),
  }
}

function troubleIn(error: unknown): Trouble | undefined {
  if (!(error instanceof EndpointProblem)) return 'unreachable'
  return error.trouble === 'none' ? undefined : error.trouble
}

/**
 * The highest block that one operator claims; from three operators on the second highest, so that no single one can
 * make all others look late.
 */
function referenceHeight(reached: readonly Watched<unknown>[]): bigint {
  const byOperator = new Map<string, bigint>()
  for (const { endpoint, height } of reached) {
    const known = byOperator.get(endpoint.operator)
    if (known === undefined || height > known) byOperator.set(endpoint.operator, height)
  }
  const heights = [...byOperator.values()].sort((a, b) => (a < b ? 1 : a > b ? -1 : 0))
  return (heights.length >= 3 ? heights[1] : heights[0]) ?? 0n
}

/** Fisher and Yates. */
function shuffle<T>(items: readonly T[], random: () => number): T[] {
  const shuffled = [...items]
  for (let last = shuffled.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    const held = shuffled[last] as T
    shuffled[last] = shuffled[other] as T
    shuffled[other] = held
  }
  return shuffled
}
