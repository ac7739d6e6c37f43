import { StoreError, type TxKey } from '../TxStore.ts'
import type { RedisClient } from './connectClient.ts'
import { failure } from './failure.ts'
import { changedChannel } from './scripts.ts'

const maxWatches = 64

export interface RecordWatch {
  watch(onChange: (key: TxKey) => void): Promise<() => Promise<void>>
  stop(): Promise<void>
}

/** One subscribed connection for all who watch, opened by the first and closed by the last; it subscribes anew by itself. */
export function watchRecords(connect: () => Promise<RedisClient>): RecordWatch {
  const watches = new Set<{ readonly onChange: (key: TxKey) => void }>()
  let listening: Promise<RedisClient> | undefined

  async function listen(): Promise<RedisClient> {
    const client = await connect()
    client.on('message', (_channel, key) => {
      for (const { onChange } of watches) onChange(key as TxKey)
    })
    await client.subscribe(changedChannel).catch((error: unknown) => {
      client.disconnect()
      throw error
    })
    return client
  }

  async function silence(): Promise<void> {
    const was = listening
    listening = undefined
    const client = await was?.catch(() => undefined)
    client?.disconnect()
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
