import { sha256 } from '@noble/hashes/sha2.js'
import { toTxId } from '@veilcast/shared/protocol'
import { z } from 'zod'
import type { BlockTx, ChainBlock } from '../ChainAdapter.ts'
import { EndpointProblem } from '../endpoints/EndpointProblem.ts'
import { base64, type CometNode, hash32, int64, timeMs } from './cometNode.ts'
import { readSlot } from './decodeTx.ts'
import { orNullWhere } from './nodeWords.ts'
import { inclusionOf, type TxResult, txResult, usedItsSequence } from './txResult.ts'

const blockAnswer = z.object({
  // A block that the node does not have is an empty id and null.
  block_id: z.object({ hash: hash32.or(z.literal('')) }),
  block: z
    .object({
      header: z.object({
        chain_id: z.string(),
        height: int64,
        time: timeMs,
        last_block_id: z.object({ hash: hash32.or(z.literal('')) }).nullish(),
      }),
      data: z.object({ txs: z.array(base64).nullish() }),
    })
    .nullish(),
})

const resultsAnswer = z.object({ height: int64, txs_results: z.array(txResult).nullish() })

/** What a node says of a height that it has not reached, has not the results of yet, or has pruned. */
const notThere = /must be less than or equal to|could not find results|is not available, lowest height/

/** The parent of a chain's first block. */
const noHash = '0'.repeat(64)

/**
 * A block and what became of its transactions, both from one node; null where it does not have them (yet).
 * @throws EndpointProblem
 */
export async function readBlock(
  node: CometNode,
  height: bigint,
  { cometChainId, maxBlockBytes }: { readonly cometChainId: string; readonly maxBlockBytes: number },
  signal: AbortSignal,
): Promise<Omit<ChainBlock, 'from'> | null> {
  const ask = <T>(method: string, answer: z.ZodType<T>) =>
    orNullWhere(
      notThere,
      node.call(method, { height: height.toString() }, answer, { signal, maxResponseBytes: maxBlockBytes }),
    )
  const answer = await ask('block', blockAnswer)
  const block = answer?.block
  const hash = answer?.block_id.hash
  if (!block || !hash) return null
  const { header } = block
  if (header.chain_id !== cometChainId) throw new EndpointProblem('wrongChain')
  const results = await ask('block_results', resultsAnswer)
  if (!results) return null
  const txs = block.data.txs ?? []
  const outcomes = results.txs_results ?? []
  if (header.height !== height || results.height !== height || outcomes.length !== txs.length) {
    throw new EndpointProblem('lied')
  }
  return {
    height,
    hash,
    parentHash: header.last_block_id?.hash || noHash,
    timeMs: header.time,
    transactions: outcomes.map((result, index) =>
      toBlockTx(txs[index] as Uint8Array, result, { height, hash }),
    ),
  }
}

function toBlockTx(bytes: Uint8Array, result: TxResult, block: { height: bigint; hash: string }): BlockTx {
  const slot = usedItsSequence(result) ? readSlot(bytes) : undefined
  return {
    txId: toTxId(sha256(bytes)),
    account: slot?.account,
    sequence: slot?.sequence,
    inclusion: inclusionOf(result, block),
  }
}
