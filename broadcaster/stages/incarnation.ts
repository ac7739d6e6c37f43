import type { ChainId } from '@veilcast/shared/protocol'
import type { Logger } from '../observability/logger.ts'
import type { TxStore } from '../store/TxStore.ts'
import { meetIncarnation } from './meetIncarnation.ts'
import type { Settle } from './settle.ts'

const defaultEveryMs = 30_000

/** The life of the store that this process knows of. */
export interface Incarnation {
  /** Resolves once the store was met. To be awaited before anything is handed over, or said of what is in it. */
  start(): Promise<void>
  /** Looks at once. Throws StoreError. */
  meet(): Promise<void>
  /** 8 bytes; zeros before the first look. */
  now(): Uint8Array
  stop(): Promise<void>
}

/** Every process looks by itself, at start and every 30 s, since each says in its replies which life they are of. */
export function createIncarnation(parts: {
  readonly records: TxStore
  readonly settle: Settle
  readonly chains: readonly ChainId[]
  /** Default 30 000. */
  readonly everyMs?: number | undefined
  /** Called where it is another than before. */
  readonly onChange: () => void
  readonly logger: Logger
}): Incarnation {
  const { everyMs = defaultEveryMs, onChange, logger } = parts
  const stopping = new AbortController()
  let incarnation: Uint8Array = new Uint8Array(8)
  let timer: NodeJS.Timeout | undefined
  let looking: Promise<void> = Promise.resolve()

  async function meet(): Promise<void> {
    const met = await meetIncarnation({ ...parts, signal: stopping.signal })
    const isAnother = Buffer.compare(incarnation, met) !== 0
    incarnation = met
    if (isAnother) onChange()
  }

  async function look(): Promise<void> {
    await meet().catch((error: unknown) => {
      if (!stopping.signal.aborted) logger.warn({ err: error }, 'the store cannot be looked at at the moment')
    })
    lookLater()
  }

  function lookLater(): void {
    if (stopping.signal.aborted) return
    timer = setTimeout(() => {
      looking = look()
    }, everyMs)
  }

  return {
    async start() {
      await meet()
      lookLater()
    },
    meet,
    now: () => incarnation,
    async stop() {
      stopping.abort()
      clearTimeout(timer)
      await looking
    },
  }
}
