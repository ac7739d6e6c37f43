import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { StoreConfig } from '@veilcast/broadcaster'
import { createClient, type Progress, type Receipt } from '@veilcast/client'
import type { Anvil } from '@veilcast/devnet'
import type { Loopback } from '@veilcast/shared/mixnet/loopback'
import { startFakeNativeClient } from './mixnetNativeClient.ts'
import { anvilSetup, type ChainSetup } from './path.ts'
import { type Running, root, run } from './processes.ts'

/** Where a process ends itself, or its store: at the n-th call of this operation since its start. */
export interface Kill {
  readonly name: string
  readonly nth: number
  /** `during`: once the call is on its way, `afterMs` (1) later. */
  readonly when: 'before' | 'during' | 'after'
  readonly afterMs?: number
  /** Made by the first that ends itself: the others pass by. */
  readonly onceFile?: string
  /** Default: the broadcaster itself. */
  readonly victim?: 'broadcaster' | 'store'
}

/** What `crashingBroadcaster.mjs` reads. */
export interface CrashSetup {
  readonly store: StoreConfig
  readonly socketUrl: string
  readonly chain: ChainSetup
  /** 32 bytes in hex. */
  readonly secret: string
  readonly kill?: Kill | undefined
  /** Of the store's server, where that is the victim. */
  readonly storePid?: number
  readonly storePidFile?: string
  /** Says each point that it comes by. */
  readonly tell?: boolean
  /** Counts from the start on; else from the first `admit` on, but for what only a start does. */
  readonly armed?: boolean
  readonly rebroadcastAfterMs?: number
}

export function startCrashing(setup: CrashSetup): Running {
  return run(process.execPath, [join(root, 'test/support/crashingBroadcaster.mjs'), JSON.stringify(setup)])
}

/** Short enough to wait for, and as many repetitions as a longer wait has in production. */
export const timing = { firstRepeatMs: 1_000, laterRepeatMs: 2_000, maxRepeatMs: 4_000 }

export function crashChain(anvil: Anvil, url?: string): ChainSetup {
  return anvilSetup(anvil, url, { pollIntervalMs: 250, probeIntervalMs: 1_000 })
}

export interface Story {
  readonly receipt: Receipt
  readonly progress: readonly Progress[]
  /** The points at which a process ended itself, in order. */
  readonly killedAt: readonly string[]
  /** Each point that a process came by, in order; with `tell` only. */
  readonly points: readonly string[]
}

/**
 * One submit, for which the caller does nothing more than wait, while one broadcaster after the other ends itself at its
 * point; the last one lives. A process that does not come to its point lives too.
 */
export async function liveThrough(options: {
  readonly loopback: Loopback
  readonly setup: Omit<CrashSetup, 'socketUrl' | 'kill'>
  readonly signedTx: Uint8Array | string
  readonly kills: readonly Kill[]
  /** Done between the end of a process and the start of the next, or once the store was killed. */
  readonly onKilled?: () => Promise<unknown>
  /** What the caller does about a failure, who may submit again. Default: the story has failed. */
  readonly onRefused?: (error: unknown, submit: () => Promise<Receipt>) => Promise<Receipt>
}): Promise<Story> {
  const { loopback, setup, signedTx, kills, onKilled, onRefused } = options
  const native = await startFakeNativeClient(loopback)
  const client = createClient({ mixnet: loopback.dialer(), broadcasters: [native.address], timing })
  await client.start()
  const progress: Progress[] = []
  const killedAt: string[] = []
  const points: string[] = []
  let last: Running | undefined
  let storeIsBack: Promise<unknown> | undefined
  const submit = (): Promise<Receipt> =>
    client.submit(
      { chain: setup.chain.chain, signedTx, until: 'final' },
      { timeoutMs: 240_000, onProgress: (event) => progress.push(event) },
    )
  try {
    const submitting = submit()
      .catch((error: unknown) => (onRefused ? onRefused(error, submit) : Promise.reject(error)))
      .then((receipt) => ({ receipt }))
    // Where it fails while a process starts, that is told below.
    submitting.catch(() => {})
    for (let life = 0; ; life++) {
      const kill = kills[life]
      const broadcaster = startCrashing({
        ...setup,
        socketUrl: native.url,
        kill,
        armed: setup.armed ?? life > 0,
      })
      last = broadcaster
      createInterface({ input: broadcaster.child.stdout! }).on('line', (line) => {
        if (line.startsWith('point ')) points.push(line.slice('point '.length))
        if (!line.startsWith('killed at ')) return
        killedAt.push(line.slice('killed at '.length))
        if (kill?.victim === 'store') storeIsBack = onKilled?.()
      })
      const first = await Promise.race([submitting, broadcaster.ended])
      if ('receipt' in first) {
        await storeIsBack
        return { receipt: first.receipt, progress, killedAt, points }
      }
      if (first.signal !== 'SIGKILL' || killedAt.length !== life + 1)
        throw new Error(`The broadcaster ended by itself: ${JSON.stringify(first)}`)
      await onKilled?.()
    }
  } finally {
    last?.child.kill('SIGKILL')
    await last?.ended
    await client.stop()
    await native.stop()
  }
}
