import type { Notification, Pool, PoolClient } from 'pg'
import { StoreError, type TxKey } from '../TxStore.ts'
import { failure } from './failure.ts'

const maxWatches = 64
const firstRetryMs = 100
const maxRetryMs = 5_000

export interface RecordWatch {
  watch(onChange: (key: TxKey) => void): Promise<() => Promise<void>>
  stop(): Promise<void>
}

/** One LISTEN connection for all who watch, opened by the first and closed by the last; opened anew when it breaks. */
export function watchRecords(pool: Pool): RecordWatch {
  const watches = new Set<{ readonly onChange: (key: TxKey) => void }>()
  let listening: Promise<PoolClient> | undefined
  let retry: NodeJS.Timeout | undefined
  let retryMs = firstRetryMs

  const tell = ({ payload }: Notification): void => {
    for (const { onChange } of watches) onChange((payload ?? '') as TxKey)
  }

  async function listen(): Promise<PoolClient> {
    const client = await pool.connect()
    client.on('error', () => {})
    client.once('end', () => {
      client.release(true)
      listening = undefined
      listenAgain()
    })
    client.on('notification', tell)
    try {
      await client.query('listen veilcast_record')
    } catch (error) {
      await hangUp(client)
      throw error
    }
    retryMs = firstRetryMs
    return client
  }

  async function hangUp(client: PoolClient): Promise<void> {
    client.removeAllListeners('end')
    client.off('notification', tell)
    client.release(true)
  }

  function listenAgain(): void {
    if (watches.size === 0) return
    retry = setTimeout(() => {
      listening ??= listen()
      listening.catch(() => {
        listening = undefined
        retryMs = Math.min(retryMs * 2, maxRetryMs)
        listenAgain()
      })
    }, retryMs)
  }

  async function silence(): Promise<void> {
    clearTimeout(retry)
    const was = listening
    listening = undefined
    const client = await was?.catch(() => undefined)
    if (client !== undefined) await hangUp(client)
  }

  return {
    async watch(onChange) {
      if (watches.size >= maxWatches) throw new StoreError(`At most ${maxWatches} may watch one store.`)
      const entry = { onChange }
      watches.add(entry)
      const end = async (): Promise<void> => {
        if (watches.delete(entry) && watches.size === 0) await silence()
      }
      try {
        listening ??= listen()
        await listening
      } catch (error) {
        listening = undefined
        await end()
        throw failure('watch the record', error)
      }
      return end
    },
    async stop() {
      watches.clear()
      await silence()
    },
  }
}
