import { wireError } from '@veilcast/shared/errors'
import { maxReadResultBytes } from '@veilcast/shared/protocol'
import { z } from 'zod'
import { ReadRefused, type WaitOptions } from '../ChainAdapter.ts'
import type { EndpointPool } from '../endpoints/EndpointPool.ts'
import { JsonRpcProblem } from '../endpoints/jsonRpc.ts'
import { answerTo, type EvmClient, isMethodUnknown } from './EvmClient.ts'
import { toQuantity } from './nodeValues.ts'

/** What is read from a node before an answer is known to be too large. */
const maxResponseBytes = 1_048_576

/**
 * A read that is on the list, with parameters that fit it. The chain id is answered here, without a node.
 *
 * @throws ReadRefused, ChainUnavailable
 */
export async function query(
  pool: EndpointPool<EvmClient>,
  chainId: bigint,
  method: string,
  params: unknown,
  options: WaitOptions,
): Promise<unknown> {
  const schema = Object.hasOwn(methods, method) ? methods[method as Method] : undefined
  if (!schema) throw new ReadRefused(wireError('methodNotAllowed'))
  const checked = schema.safeParse(params ?? [])
  if (!checked.success) throw new ReadRefused(wireError('invalidParams'))
  if (method === 'eth_chainId') return toQuantity(chainId)
  if (method === 'net_version') return chainId.toString()

  const answer = await pool.askForWallet(async (client, signal) => {
    try {
      const answer = await answerTo(client, { method, params: checked.data }, { signal, maxResponseBytes })
      if (!answer.ok && isMethodUnknown(answer.problem)) throw answer.problem
      return answer
    } catch (error) {
      if (error instanceof JsonRpcProblem && error.kind === 'tooLarge') return 'tooLarge'
      throw error
    }
  }, options)

  if (answer === 'tooLarge') throw tooLarge(maxResponseBytes)
  if (!answer.ok) throw readFailed(answer.problem.code)
  const sizeBytes = jsonBytes(answer.result)
  if (sizeBytes > maxReadResultBytes) throw tooLarge(sizeBytes)
  return answer.result
}

const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/)
const hash = z.string().regex(/^0x[0-9a-fA-F]{64}$/)
const quantity = z.string().regex(/^0x[0-9a-fA-F]{1,64}$/)
const data = z
  .string()
  .max(16_384)
  .regex(/^0x([0-9a-fA-F]{2})*$/)
const tag = z.enum(['latest', 'pending', 'safe', 'finalized', 'earliest'])
const blockNumber = z.union([tag, quantity])
const block = z.union([
  tag,
  hash,
  quantity,
  z.strictObject({ blockNumber: quantity }),
  z.strictObject({ blockHash: hash, requireCanonical: z.boolean().optional() }),
])
const call = z.strictObject({
  from: address.optional(),
  to: address.nullish(),
  gas: quantity.optional(),
  gasPrice: quantity.optional(),
  maxFeePerGas: quantity.optional(),
  maxPriorityFeePerGas: quantity.optional(),
  value: quantity.optional(),
  nonce: quantity.optional(),
  data: data.optional(),
  input: data.optional(),
  type: quantity.optional(),
  chainId: quantity.optional(),
  accessList: z
    .array(z.strictObject({ address, storageKeys: z.array(hash).max(256) }))
    .max(64)
    .optional(),
})
const nothing = z.tuple([])

/** State overrides, logs, traces and filters are not on the list: they cost a node much, and tell it much. */
const methods = {
  eth_chainId: nothing,
  net_version: nothing,
  eth_blockNumber: nothing,
  eth_gasPrice: nothing,
  eth_maxPriorityFeePerGas: nothing,
  eth_getBalance: z.tuple([address, block.default('latest')]),
  eth_getCode: z.tuple([address, block.default('latest')]),
  eth_getTransactionCount: z.tuple([address, block.default('latest')]),
  eth_getStorageAt: z.tuple([address, quantity, block.default('latest')]),
  eth_call: z.tuple([call, block.default('latest')]),
  eth_estimateGas: z.tuple([call, block.default('latest')]),
  eth_feeHistory: z.tuple([
    z.union([z.string().regex(/^0x[0-9a-fA-F]{1,2}$/), z.int().min(1).max(255)]),
    blockNumber,
    z.array(z.number().min(0).max(100)).max(32).default([]),
  ]),
  eth_getTransactionReceipt: z.tuple([hash]),
  eth_getTransactionByHash: z.tuple([hash]),
  eth_getBlockByNumber: z.tuple([blockNumber, z.boolean()]),
  eth_getBlockByHash: z.tuple([hash, z.boolean()]),
} as const

type Method = keyof typeof methods

export const readableMethods: readonly string[] = Object.keys(methods)

function jsonBytes(result: unknown): number {
  try {
    return Buffer.byteLength(JSON.stringify(result))
  } catch {
    throw readFailed(0)
  }
}

/** Codes of JSON-RPC are negative; values on the wire are not. */
function readFailed(code: number | undefined): ReadRefused {
  return new ReadRefused(wireError('readFailed', { code: Math.abs(code ?? 0) }))
}

function tooLarge(sizeBytes: number): ReadRefused {
  return new ReadRefused(wireError('answerTooLarge', { sizeBytes, limitBytes: maxReadResultBytes }))
}
