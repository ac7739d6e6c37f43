import type { ChainId } from '@veilcast/shared/protocol'
import type { TxKey, TxStore } from '../store/TxStore.ts'
import type { Settle } from './settle.ts'

const pageSize = 256
const maxAttempts = 5

/**
 * Looks whether the store still lives the life that we know. In another one, as after a failover or a restore, a record
 * that says unsent may be older than its sending: each is taken to have been seen. Says which life it is.
 */
export async function meetIncarnation(parts: {
  readonly records: TxStore
  readonly settle: Settle
  readonly chains: readonly ChainId[]
}): Promise<Uint8Array> {
  const { records, settle, chains } = parts
  const incarnation = await records.incarnation()
  const known = await records.knownIncarnation()
  if (known !== null && Buffer.compare(known, incarnation) === 0) return incarnation
  if (known !== null) for (const chain of chains) await expose(chain)
  await records.acknowledgeIncarnation(incarnation)
  return incarnation

  async function expose(chain: ChainId): Promise<void> {
    let after: TxKey | undefined
    for (;;) {
      const page = await records.listLive(
        chain,
        after === undefined ? { limit: pageSize } : { after, limit: pageSize },
      )
      for (const { key } of page) await exposeOne(key)
      after = page.at(-1)?.key
      if (page.length < pageSize) return
    }
  }

  async function exposeOne(key: TxKey): Promise<void> {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const record = await records.get(key)
      if (record === null || record.exposedTo !== null || record.state !== 'held') return
      if (await settle.seenByOthers(record)) return
    }
  }
}
