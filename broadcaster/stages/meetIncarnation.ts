import type { ChainId } from '@veilcast/shared/protocol'
import type { Logger } from '../observability/logger.ts'
import type { TxKey, TxStore } from '../store/TxStore.ts'
import { forEachLive } from './forEachLive.ts'
import type { Settle } from './settle.ts'

const maxAttempts = 5

/**
 * Looks whether the store still lives the life that we know. In another one, as after a failover or a restore, a record
 * that says unsent may be older than its sending: each is taken to have been seen. Says which life it is.
 */
export async function meetIncarnation(parts: {
  readonly records: TxStore
  readonly settle: Settle
  readonly chains: readonly ChainId[]
  readonly signal: AbortSignal
  readonly logger: Logger
}): Promise<Uint8Array> {
  const { records, settle, chains, signal, logger } = parts
  const incarnation = await records.incarnation()
  const known = await records.knownIncarnation()
  if (known !== null && Buffer.compare(known, incarnation) === 0) return incarnation
  if (known !== null) {
    for (const chain of chains) {
      await forEachLive(records, chain, ({ key }) => exposeOne(key), { signal, logger })
    }
  }
  await records.acknowledgeIncarnation(incarnation)
  return incarnation

  async function exposeOne(key: TxKey): Promise<void> {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const record = await records.get(key)
      if (record === null || record.exposedTo !== null || record.state !== 'held') return
      if (await settle.seenByOthers(record)) return
    }
  }
}
