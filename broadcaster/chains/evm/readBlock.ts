import { toTxId } from '@veilcast/shared/protocol'
import type { BlockTx, ChainBlock, WaitOptions } from '../ChainAdapter.ts'
import { answerTo, resultOf } from '../endpoints/createRpcCaller.ts'
import type { EndpointPool } from '../endpoints/EndpointPool.ts'
import { EndpointProblem } from '../endpoints/EndpointProblem.ts'
import type { JsonRpcAnswer } from '../endpoints/jsonRpc.ts'
import { type EvmClient, isMethodUnknown } from './EvmClient.ts'
import { type Receipt, receiptOf } from './inclusion.ts'
import {
  addressOf,
  hashOf,
  listOf,
  numberOf,
  quantityOf,
  recordOf,
  sameBytes,
  toQuantity,
} from './nodeValues.ts'

export const maxTransactionsPerBlock = 65_536
/** Receipts asked for in one request where a node has no eth_getBlockReceipts. */
const maxReceiptsPerBatch = 100

/**
 * A block with its receipts, checked against each other. An endpoint whose parts do not fit, as during a reorg, is passed
 * over for the next. The hash itself is the endpoint's word: header fields differ from chain to chain.
 *
 * @throws ChainUnavailable
 */
export function readBlock(
  pool: EndpointPool<EvmClient>,
  height: bigint,
  maxResponseBytes: number,
  options: WaitOptions,
): Promise<ChainBlock | null> {
  return pool.ask(
    (client, signal, { id }) => readBlockAt(client, id, height, { signal, maxResponseBytes }),
    options,
  )
}

/** The same at one endpoint. @throws EndpointProblem */
export async function readBlockAt(
  client: EvmClient,
  from: string,
  height: bigint,
  options: ReadOptions,
): Promise<ChainBlock | null> {
  const { block, receipts } = await readBoth(client, height, options)
  if (block === null) return null
  const header = headerOf(block, height)
  const found = receipts ?? (await readEachReceipt(client, header.transactionHashes, options))
  return assemble(from, header, found)
}

interface Header {
  readonly height: bigint
  readonly hash: Uint8Array
  readonly parentHash: Uint8Array
  readonly timeMs: number
  readonly transactions: readonly Readonly<Record<string, unknown>>[]
  readonly transactionHashes: readonly Uint8Array[]
}

type ReadOptions = { readonly signal: AbortSignal; readonly maxResponseBytes: number }

/** `receipts` undefined: the node has no eth_getBlockReceipts. */
async function readBoth(
  client: EvmClient,
  height: bigint,
  options: ReadOptions,
): Promise<{ block: unknown; receipts: readonly Receipt[] | undefined }> {
  const getBlock = { method: 'eth_getBlockByNumber', params: [toQuantity(height), true] }
  if (client.lacksBlockReceipts) {
    return { block: resultOf(await answerTo(client, getBlock, options)), receipts: undefined }
  }
  const getReceipts = { method: 'eth_getBlockReceipts', params: [toQuantity(height)] }
  const [blockAnswer, receiptsAnswer] = await client.batch([getBlock, getReceipts], options)
  const block = resultOf(blockAnswer)
  if (block === null) return { block, receipts: [] }
  if (lacksMethod(receiptsAnswer)) {
    client.lacksBlockReceipts = true
    return { block, receipts: undefined }
  }
  const result = resultOf(receiptsAnswer)
  if (result === null) throw new EndpointProblem('none', 'The endpoint has the block without its receipts.')
  return { block, receipts: listOf(result, maxTransactionsPerBlock).map(receiptOf) }
}

function lacksMethod(answer: JsonRpcAnswer | undefined): boolean {
  return answer !== undefined && !answer.ok && isMethodUnknown(answer.problem)
}

async function readEachReceipt(
  client: EvmClient,
  hashes: readonly Uint8Array[],
  options: ReadOptions,
): Promise<Receipt[]> {
  const receipts: Receipt[] = []
  for (let from = 0; from < hashes.length; from += maxReceiptsPerBatch) {
    const calls = hashes.slice(from, from + maxReceiptsPerBatch).map((hash) => ({
      method: 'eth_getTransactionReceipt',
      params: [`0x${Buffer.from(hash).toString('hex')}`],
    }))
    for (const answer of await client.batch(calls, options)) {
      const result = resultOf(answer)
      if (result === null)
        throw new EndpointProblem('none', 'The endpoint has the block without its receipts.')
      receipts.push(receiptOf(result))
    }
  }
  return receipts
}

function headerOf(answer: unknown, height: bigint): Header {
  const block = recordOf(answer)
  if (quantityOf(block.number) !== height) {
    throw new EndpointProblem('lied', 'The endpoint gave a block of another height.')
  }
  const transactions = listOf(block.transactions, maxTransactionsPerBlock).map(recordOf)
  return {
    height,
    hash: hashOf(block.hash),
    parentHash: hashOf(block.parentHash),
    timeMs: numberOf(block.timestamp) * 1000,
    transactions,
    transactionHashes: transactions.map(({ hash }) => hashOf(hash)),
  }
}

function assemble(from: string, header: Header, receipts: readonly Receipt[]): ChainBlock {
  const byHash = new Map(receipts.map((receipt) => [hex(receipt.txHash), receipt]))
  const transactions = header.transactions.map((transaction, index): BlockTx => {
    const txHash = header.transactionHashes[index] as Uint8Array
    const receipt = byHash.get(hex(txHash))
    const account = addressOf(transaction.from)
    const fits =
      receipt !== undefined &&
      sameBytes(receipt.blockHash, header.hash) &&
      sameBytes(receipt.from, account) &&
      receipt.inclusion.height === header.height &&
      receipt.inclusion.transactionIndex === index
    if (!fits) throw new EndpointProblem('none', 'The block and its receipts do not fit.')
    return {
      txId: toTxId(txHash),
      account,
      sequence: quantityOf(transaction.nonce),
      inclusion: receipt.inclusion,
    }
  })
  return {
    from,
    height: header.height,
    hash: hex(header.hash),
    parentHash: hex(header.parentHash),
    timeMs: header.timeMs,
    transactions,
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
