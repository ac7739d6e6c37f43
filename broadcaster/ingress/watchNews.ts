import type { Logger } from '../observability/logger.ts'
import type { TxKey, TxStore } from '../store/TxStore.ts'
import type { Askers } from './askers.ts'
import type { TellAskers } from './tellAskers.ts'

/** The poll beneath the store's notices, which may be lost. */
const pollEveryMs = 5000
const pollKeysPerRun = 256
const readsAtOnce = 64

export interface News {
  /** Reads once more for everybody who waits, so that they hear what is known by now; until the signal aborts. */
  tellAll(signal: AbortSignal): Promise<void>
  stop(): Promise<void>
}

/** Brings changes that any worker made to the askers of this process. */
export async function watchNews(parts: {
  readonly askers: Askers
  readonly records: TxStore
  readonly tell: TellAskers
  readonly logger: Logger
}): Promise<News> {
  const { askers, records, tell, logger } = parts
  /** One reading per transaction at a time: a notice that comes meanwhile makes it read once more. */
  const reading = new Map<TxKey, { again: boolean }>()

  async function read(key: TxKey): Promise<void> {
    const busy = reading.get(key)
    if (busy) {
      busy.again = true
      return
    }
    const turn = { again: false }
    reading.set(key, turn)
    try {
      do {
        turn.again = false
        await tell.news(key)
      } while (turn.again)
    } catch (error) {
      logger.warn({ err: error }, 'news could not be read; the poll reads them')
    } finally {
      reading.delete(key)
    }
  }

  const unwatch = await records.watch((key) => {
    if (askers.of(key).length > 0) void read(key)
  })

  let polled: IterableIterator<TxKey> = askers.keys()
  const timer = setInterval(() => {
    askers.sweep(Date.now())
    for (let count = 0; count < pollKeysPerRun; count++) {
      const { value, done } = polled.next()
      if (done) {
        polled = askers.keys()
        return
      }
      void read(value)
    }
  }, pollEveryMs)

  return {
    async tellAll(signal) {
      const keys = askers.keys()
      await Promise.all(
        Array.from({ length: readsAtOnce }, async () => {
          for (const key of keys) {
            if (signal.aborted) return
            await read(key)
          }
        }),
      )
    },
    async stop() {
      clearInterval(timer)
      await unwatch()
    },
  }
}
