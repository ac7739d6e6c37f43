import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { StoreConfig } from '@veilcast/broadcaster'

/** What the process of a broadcaster under load is told to do. All times are of its own clock, in milliseconds. */
export type Command =
  | {
      readonly kind: 'open'
      readonly store: StoreConfig
      readonly rpcUrl: string
      readonly chain: string
      readonly pollIntervalMs: number
    }
  /** Makes requests of signed transactions, to be sent by the next `submit`. */
  | { readonly kind: 'load'; readonly transactions: readonly Uint8Array[] }
  /** Sends what was loaded, with at most so many of them unanswered, until each is accepted. */
  | { readonly kind: 'submit'; readonly maxUnanswered: number }
  /** Waits until all that was sent is told to be included. */
  | { readonly kind: 'included' }
  | {
      readonly kind: 'noopJobs'
      readonly count: number
      readonly concurrency: number
      readonly maxAddsAtOnce: number
    }
  | { readonly kind: 'recoveries'; readonly transactions: readonly Uint8Array[] }
  | { readonly kind: 'memory' }
  | { readonly kind: 'cpu' }
  | { readonly kind: 'dashboard' }
  | { readonly kind: 'startProfile' }
  | { readonly kind: 'stopProfile' }
  | { readonly kind: 'stop' }

export interface Answers {
  readonly open: undefined
  readonly load: undefined
  readonly submit: {
    readonly tookMs: number
    readonly startedAtMs: number
    readonly acceptedMs: readonly number[]
    readonly failed: number
  }
  readonly included: {
    readonly lastAtMs: number
    /** From its sending, each. */
    readonly includedMs: readonly number[]
    readonly failed: number
  }
  readonly noopJobs: { readonly tookMs: number }
  readonly recoveries: { readonly tookMs: number }
  readonly memory: {
    readonly rssBytes: number
    readonly heapUsedBytes: number
    readonly externalBytes: number
  }
  readonly cpu: { readonly cpuMs: number }
  readonly dashboard: { readonly url: string }
  readonly startProfile: undefined
  readonly stopProfile: readonly Cost[]
  readonly stop: undefined
}

/** A function's own time in a CPU profile. */
export interface Cost {
  readonly part: string
  readonly name: string
  /** Of the time that the process was busy. */
  readonly share: number
  readonly selfMs: number
}

export interface LoadedBroadcaster {
  readonly pid: number
  ask<K extends Command['kind']>(command: Extract<Command, { kind: K }>): Promise<Answers[K]>
  /** In order, then the process. */
  stop(): Promise<void>
}

const stopLimitMs = 30_000
const transactionsPerMessage = 500

/** A broadcaster over a store and a chain, in a process of its own: what it uses is not mixed up with what feeds and watches it. */
export async function startLoadedBroadcaster(
  options: Omit<Extract<Command, { kind: 'open' }>, 'kind'>,
): Promise<LoadedBroadcaster> {
  const child = fork(fileURLToPath(new URL('./loadedProcess.js', import.meta.url)), [], {
    serialization: 'advanced',
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const exited = once(child, 'exit')
  const open = new Map<number, { resolve(answer: unknown): void; reject(error: Error): void }>()
  let next = 0
  child.on('message', ({ id, answer, error }: { id: number; answer?: unknown; error?: string }) => {
    const asked = open.get(id)
    open.delete(id)
    if (error === undefined) asked?.resolve(answer)
    else asked?.reject(new Error(error))
  })
  void exited.then(() => {
    for (const { reject } of open.values()) reject(new Error('The broadcaster under load has ended.'))
  })

  const ask: LoadedBroadcaster['ask'] = (command) =>
    new Promise((resolve, reject) => {
      const id = next++
      open.set(id, { resolve: resolve as (answer: unknown) => void, reject })
      child.send({ id, command }, (error) => {
        if (error) reject(error)
      })
    })

  async function stop(): Promise<void> {
    const late = setTimeout(() => child.kill('SIGKILL'), stopLimitMs)
    try {
      await ask({ kind: 'stop' }).catch(() => {})
      child.kill('SIGKILL')
      await exited
    } finally {
      clearTimeout(late)
    }
  }

  try {
    await ask({ kind: 'open', ...options })
  } catch (error) {
    await stop()
    throw error
  }
  return { pid: child.pid ?? 0, ask, stop }
}

/** Loads transactions in pieces that the channel between the processes carries well. */
export async function load(
  broadcaster: LoadedBroadcaster,
  transactions: readonly Uint8Array[],
): Promise<void> {
  for (let from = 0; from < transactions.length; from += transactionsPerMessage) {
    await broadcaster.ask({
      kind: 'load',
      transactions: transactions.slice(from, from + transactionsPerMessage),
    })
  }
}
