import { fromBase64 } from './base64.ts'
import type { Broadcast } from './broadcastOwn.ts'
import { countOwnInRest } from './countOwn.ts'
import type { NodeParts } from './NodeParts.ts'
import type { Wait } from './Wait.ts'

export interface RestRequest {
  readonly method: 'GET' | 'POST'
  /** As in `/cosmos/bank/v1beta1/balances/cosmos1...` */
  readonly path: string
  /** As in `pagination.limit=10`; with or without a question mark. */
  readonly query?: string | undefined
  /** What JSON can say. */
  readonly body?: unknown
}

export interface RestAnswer {
  /** HTTP's. */
  readonly status: number
  /** JSON. */
  readonly body: unknown
}

const txsPath = '/cosmos/tx/v1beta1/txs'
const accountPath = /^\/cosmos\/auth\/v1beta1\/accounts\/[a-z0-9]+$/
const simulatePath = '/cosmos/tx/v1beta1/simulate'

/** @throws VeilcastError */
export async function answerRest(parts: NodeParts, request: RestRequest, wait: Wait): Promise<RestAnswer> {
  const { method, body } = request
  const path = request.path.replace(/\/+$/, '')
  const query = (request.query ?? '').replace(/^\?/, '')
  if (method === 'POST') {
    if (path === txsPath) return broadcast(parts, body, wait)
    if (path !== simulatePath) return failure(501, 12, 'Not Implemented')
    return readRest(parts.read, { path, ...(query && { query }), body }, wait)
  }
  const hash = /^\/cosmos\/tx\/v1beta1\/txs\/(?:0x)?([0-9a-fA-F]{64})$/.exec(path)?.[1]?.toUpperCase()
  if (hash && parts.phaseOf(hash)) {
    const found = (await parts.lookUp('rest', hash, wait)) as RestAnswer | undefined
    return found ?? failure(404, 5, `tx not found: ${hash}`)
  }
  const answer = await readRest(parts.read, { path, ...(query && { query }) }, wait)
  const isAccount = answer.status === 200 && accountPath.test(path)
  return isAccount ? { ...answer, body: countOwnInRest(answer.body, parts.own()) } : answer
}

/** A transaction's result by the REST API; undefined while it is in no block. */
export async function readRestTx(
  read: NodeParts['read'],
  hash: string,
  wait: Wait,
): Promise<RestAnswer | undefined> {
  const answer = await readRest(read, { path: `${txsPath}/${hash}` }, wait)
  return answer.status === 404 ? undefined : answer
}

const readRest = (read: NodeParts['read'], params: object, wait: Wait) =>
  read('rest', params, wait) as Promise<RestAnswer>

const stages = {
  BROADCAST_MODE_ASYNC: 'accepted',
  BROADCAST_MODE_SYNC: 'submitted',
  BROADCAST_MODE_BLOCK: 'included',
} as const

async function broadcast(parts: NodeParts, body: unknown, wait: Wait): Promise<RestAnswer> {
  const { tx_bytes, mode } = (body ?? {}) as { readonly tx_bytes?: unknown; readonly mode?: unknown }
  const signedTx = fromBase64(tx_bytes)
  if (!signedTx?.length) return failure(400, 3, 'tx_bytes: is a signed transaction in base64')
  if (typeof mode !== 'string' || !Object.hasOwn(stages, mode)) {
    return failure(400, 3, `mode: is one of ${Object.keys(stages).join(', ')}`)
  }
  const told = await parts.broadcast(signedTx, stages[mode as keyof typeof stages], wait)
  return { status: 200, body: { tx_response: txResponse(told) } }
}

/** The SDK's TxResponse. Height and gas are 0 until it is in a block. */
function txResponse({ hash, refusal, receipt }: Broadcast) {
  const inclusion = receipt && 'inclusion' in receipt.state ? receipt.state.inclusion : undefined
  const told = inclusion?.family === 'cosmos' ? inclusion : undefined
  return {
    height: String(told?.height ?? 0),
    txhash: hash,
    codespace: refusal?.codespace ?? told?.codespace ?? '',
    code: refusal?.code ?? told?.code ?? 0,
    data: '',
    raw_log: refusal?.log ?? '',
    logs: [],
    info: '',
    gas_wanted: String(told?.gasWanted ?? 0),
    gas_used: String(told?.gasUsed ?? 0),
    tx: null,
    timestamp: '',
    events: [],
  }
}

/** As grpc-gateway writes a gRPC status. */
function failure(status: number, code: number, message: string): RestAnswer {
  return { status, body: { code, message, details: [] } }
}
