import { hexToBytes } from '@noble/hashes/utils.js'
import type { CosmosInclusion } from '@veilcast/shared/protocol'
import { z } from 'zod'
import { code, codespace, int64 } from './cometNode.ts'

/** What became of a transaction in its block: `txs_results[]` of `block_results`, `tx_result` of `tx`. */
export const txResult = z.object({
  code,
  codespace,
  gas_wanted: int64.nullish(),
  gas_used: int64.nullish(),
  events: z.unknown(),
})

export type TxResult = z.output<typeof txResult>

export function inclusionOf(result: TxResult, block: { height: bigint; hash: string }): CosmosInclusion {
  return {
    family: 'cosmos',
    height: block.height,
    blockHash: hexToBytes(block.hash),
    code: result.code,
    codespace: result.codespace,
    gasWanted: result.gas_wanted ?? 0n,
    gasUsed: result.gas_used ?? 0n,
  }
}

/**
 * Whether the transaction used its sequence. One that fails before its messages run (its sequence, fee or signature was
 * found wrong only in the block) leaves the sequence as it was; the SDK then drops the event that tells the sequence.
 */
export function usedItsSequence({ code, events }: TxResult): boolean {
  return code === 0 || sequenceEvents.safeParse(events).data?.some(tellsSequence) === true
}

const sequenceEvents = z.array(
  z.object({ type: z.string(), attributes: z.array(z.object({ key: z.string() })).nullish() }),
)

function tellsSequence({ type, attributes }: z.output<typeof sequenceEvents>[number]): boolean {
  return type === 'tx' && attributes?.some(({ key }) => key === 'acc_seq') === true
}
