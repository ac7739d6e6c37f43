import type { TxId } from '@veilcast/shared/protocol'
import type { BlockTx, ChainBlock, WaitOptions, Witness } from '../ChainAdapter.ts'
import { resultOf } from '../endpoints/createRpcCaller.ts'
import type { EndpointPool } from '../endpoints/EndpointPool.ts'
import { EndpointProblem } from '../endpoints/EndpointProblem.ts'
import { ownOf, type Witnessed, witnessBlock, witnessedIn } from '../witnessBlock.ts'
import type { EvmClient } from './EvmClient.ts'
import { isMined } from './find.ts'
import { askChainId, checkChainId } from './head.ts'
import { receiptOf } from './inclusion.ts'
import { hashOf, listOf, recordOf, sameBytes, toHex, toQuantity } from './nodeValues.ts'
import { maxTransactionsPerBlock, readBlockAt } from './readBlock.ts'

/** More than these are not asked one by one: the whole block is. */
const maxReceipts = 8

/** See ChainAdapter. One request: the block with the hashes of its transactions, and the receipts of ours. */
export function witness(
  pool: EndpointPool<EvmClient>,
  chainId: bigint,
  block: ChainBlock,
  txIds: readonly TxId[],
  maxResponseBytes: number,
  options: WaitOptions,
): Promise<Witness> {
  const own = ownOf(block, txIds)
  return witnessBlock(
    pool,
    block,
    own,
    (client, signal, { id }) =>
      own.length > maxReceipts
        ? readWhole(client, id, block, own, { signal, maxResponseBytes })
        : readOwn(client, chainId, block, own, signal),
    options,
  )
}

async function readOwn(
  client: EvmClient,
  chainId: bigint,
  { height, hash }: ChainBlock,
  own: readonly BlockTx[],
  signal: AbortSignal,
): Promise<Witnessed | null> {
  const calls = [
    askChainId,
    { method: 'eth_getBlockByNumber', params: [toQuantity(height), false] },
    ...own.map(({ txId }) => ({ method: 'eth_getTransactionReceipt', params: [toHex(txId)] })),
  ]
  const [id, found, ...receipts] = (await client.batch(calls, { signal })).map(resultOf)
  checkChainId(id, chainId)
  if (found === null) return null
  const block = recordOf(found)
  const foundHash = toHex(hashOf(block.hash)).slice(2)
  if (foundHash !== hash) return { hash: foundHash, inclusions: [] }
  const hashes = new Set(listOf(block.transactions, maxTransactionsPerBlock).map((one) => toHex(hashOf(one))))
  // It may have the block a moment before the receipts.
  if (own.some(({ txId }, index) => hashes.has(toHex(txId)) && !isMined(receipts[index]))) return null
  const inclusions = own.map(({ txId }, index) => {
    if (!hashes.has(toHex(txId))) return null
    const { txHash, inclusion } = receiptOf(receipts[index])
    if (!sameBytes(txHash, txId)) throw new EndpointProblem('lied')
    return inclusion
  })
  return { hash, inclusions }
}

async function readWhole(
  client: EvmClient,
  id: string,
  block: ChainBlock,
  own: readonly BlockTx[],
  options: Parameters<typeof readBlockAt>[3],
): Promise<Witnessed | null> {
  const found = await readBlockAt(client, id, block.height, options)
  return found && witnessedIn(found, own)
}
