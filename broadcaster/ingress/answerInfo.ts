import { type ChainId, type InfoReply, maxNotAfterSeconds } from '@veilcast/shared/protocol'
import type { ChainAdapter } from '../chains/ChainAdapter.ts'
import type { TxStore } from '../store/TxStore.ts'

/** What this broadcaster serves, as wallets see it. */
export function infoReply(
  chains: ReadonlyMap<ChainId, ChainAdapter>,
  records: TxStore,
  retentionSeconds: number,
): InfoReply {
  return {
    kind: 'info',
    now: Math.floor(Date.now() / 1000),
    maxNotAfterSeconds,
    retentionSeconds,
    durability: records.durability,
    chains: [...chains.values()].map((adapter) => ({
      chain: adapter.chain,
      family: adapter.family,
      live: adapter.live(),
      finality: adapter.finality.rule,
      confirmations: adapter.finality.confirmations,
      maxTransactionBytes: adapter.maxTransactionBytes,
      height: highest(adapter),
    })),
  }
}

function highest(adapter: ChainAdapter): bigint {
  return adapter
    .endpoints()
    .filter((endpoint) => endpoint.live)
    .reduce((top, endpoint) => (endpoint.height > top ? endpoint.height : top), 0n)
}
