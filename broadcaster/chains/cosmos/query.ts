import { wireError } from '@veilcast/shared/errors'
import { maxReadResultBytes } from '@veilcast/shared/protocol'
import { z } from 'zod'
import { ReadRefused } from '../ChainAdapter.ts'
import { JsonRpcProblem } from '../endpoints/jsonRpc.ts'
import type { CometNode } from './cometNode.ts'

/** A read that a wallet may ask, with parameters that were checked. */
export interface Read {
  readonly method: string
  readonly params: object
}

const height = z
  .union([z.string().regex(/^[1-9]\d{0,18}$/), z.int().min(1)])
  .transform(String)
  .optional()
const page = z
  .union([z.string().regex(/^[1-9]\d{0,5}$/), z.int().min(1).max(999_999)])
  .transform(String)
  .optional()
const perPage = z
  .union([z.string().regex(/^([1-9]\d?|100)$/), z.int().min(1).max(100)])
  .transform(String)
  .optional()
const prove = z.boolean().optional()
const nothing = z.strictObject({})
const atHeight = z.strictObject({ height })

const hexData = z
  .string()
  .max(16_384)
  .regex(/^([0-9a-fA-F]{2})*$/)
const txHash = z.string().regex(/^[A-Za-z0-9+/]{43}=$/)

/** What CosmJS asks for a transaction by its hash. Other searches cost a node too much. */
const byTxHash = z.string().regex(/^tx\.hash='[0-9a-fA-F]{64}'$/)

const reads: Readonly<Record<string, z.ZodType<object>>> = {
  status: nothing,
  health: nothing,
  abci_info: nothing,
  abci_query: z.strictObject({ path: z.string().max(256), data: hexData, height, prove }),
  block: atHeight,
  block_results: atHeight,
  commit: atHeight,
  header: atHeight,
  tx: z.strictObject({ hash: txHash, prove }),
  tx_search: z.strictObject({
    query: byTxHash,
    prove,
    page,
    per_page: perPage,
    order_by: z.enum(['asc', 'desc']).optional(),
  }),
  validators: z.strictObject({ height, page, per_page: perPage }),
}

/** @throws ReadRefused (methodNotAllowed, invalidParams) */
export function parseRead(method: string, params: unknown, queryPathPrefixes: readonly string[]): Read {
  const schema = Object.hasOwn(reads, method) ? reads[method] : undefined
  if (!schema) throw new ReadRefused(wireError('methodNotAllowed'))
  const empty = params === undefined || params === null || (Array.isArray(params) && params.length === 0)
  const parsed = schema.safeParse(empty ? {} : params)
  if (!parsed.success) throw new ReadRefused(wireError('invalidParams'))
  if ('path' in parsed.data && !isAllowedPath(parsed.data.path as string, queryPathPrefixes)) {
    throw new ReadRefused(wireError('methodNotAllowed'))
  }
  return { method, params: parsed.data }
}

function isAllowedPath(path: string, prefixes: readonly string[]): boolean {
  return /^\/[a-zA-Z0-9_./]+$/.test(path) && prefixes.some((prefix) => path.startsWith(prefix))
}

/**
 * Passes a read on. The node's errors and answers that are too long come back as values: they are the asker's doing.
 * @throws EndpointProblem
 */
export async function read(
  node: CometNode,
  { method, params }: Read,
  signal: AbortSignal,
): Promise<unknown | ReadRefused> {
  let result: unknown
  try {
    result = await node.call(method, params, z.unknown(), { signal })
  } catch (error) {
    if (!(error instanceof JsonRpcProblem)) throw error
    if (error.kind === 'tooLarge') return tooLarge(maxReadResultBytes + 1)
    if (error.kind !== 'rpcError') throw error
    return new ReadRefused(wireError('readFailed', { code: Math.abs(error.code ?? 0) }))
  }
  if (method === 'status') return withoutNode(result)
  const sizeBytes = Buffer.byteLength(JSON.stringify(result) ?? '')
  return sizeBytes > maxReadResultBytes ? tooLarge(sizeBytes) : result
}

function tooLarge(sizeBytes: number): ReadRefused {
  return new ReadRefused(wireError('answerTooLarge', { sizeBytes, limitBytes: maxReadResultBytes }))
}

const statusOfChain = z.object({
  node_info: z.object({
    protocol_version: z.object({ p2p: z.string(), block: z.string(), app: z.string() }),
    network: z.string().max(64),
    version: z.string().max(64),
  }),
  sync_info: z.object({
    latest_block_hash: z.string().max(64),
    latest_app_hash: z.string().max(128),
    latest_block_height: z.string().max(20),
    latest_block_time: z.string().max(64),
    earliest_block_hash: z.string().max(64).optional(),
    earliest_app_hash: z.string().max(128).optional(),
    earliest_block_height: z.string().max(20).optional(),
    earliest_block_time: z.string().max(64).optional(),
    catching_up: z.boolean(),
  }),
})

/** A status tells the node's name, id, addresses and key, which are its operator's own: of them only the form is left. */
function withoutNode(status: unknown): unknown {
  const parsed = statusOfChain.safeParse(status)
  if (!parsed.success) return new ReadRefused(wireError('readFailed'))
  const { node_info, sync_info } = parsed.data
  return {
    node_info: {
      ...node_info,
      id: '0'.repeat(40),
      listen_addr: 'tcp://0.0.0.0:26656',
      channels: '',
      moniker: 'veilcast',
      other: {},
    },
    sync_info,
    validator_info: {
      address: '0'.repeat(40),
      pub_key: { type: 'tendermint/PubKeyEd25519', value: Buffer.alloc(32).toString('base64') },
      voting_power: '0',
    },
  }
}
