import { bytesToHex, hexToBytes } from '../hex.ts'
import { fromBase64, toBase64 } from './base64.ts'
import type { Broadcast } from './broadcastOwn.ts'
import { paramsInvalid, txNotFound } from './CometRpcError.ts'
import { countOwnInQuery } from './countOwn.ts'
import type { NodeParts } from './NodeParts.ts'
import { accountPath } from './prepareAhead.ts'
import type { Wait } from './Wait.ts'

type Params = Readonly<Record<string, unknown>>

/**
 * The `result` of a call to CometBFT's RPC (0.37, 0.38 and 1.0), as a node gives it.
 * @throws CometRpcError, VeilcastError
 */
export async function answerRpc(
  parts: NodeParts,
  method: string,
  params: Params,
  wait: Wait,
): Promise<unknown> {
  switch (method) {
    case 'broadcast_tx_async':
      return checked(await parts.broadcast(txIn(params), 'accepted', wait))
    case 'broadcast_tx_sync':
      return checked(await parts.broadcast(txIn(params), 'submitted', wait))
    case 'broadcast_tx_commit':
      return commit(parts, params, wait)
    case 'tx':
      return tx(parts, params, wait)
    case 'tx_search':
      return txSearch(parts, params, wait)
    case 'status':
      return parts.preparation.status(wait)
    case 'abci_query':
      return query(parts, newestUnlessTold(params), wait)
    default:
      return parts.read(method, newestUnlessTold(params), wait)
  }
}

async function query(parts: NodeParts, params: Params, wait: Wait): Promise<unknown> {
  const answer = await parts.preparation.query(params, wait)
  const isOfNow = params.path === accountPath && params.height === undefined && params.prove !== true
  return isOfNow ? countOwnInQuery(answer, parts.own()) : answer
}

function txIn({ tx }: Params): Uint8Array {
  const bytes = fromBase64(tx)
  if (!bytes?.length) throw paramsInvalid('tx: is a signed transaction in base64.')
  return bytes
}

function checked({ hash, refusal }: Broadcast) {
  return {
    code: refusal?.code ?? 0,
    data: '',
    log: refusal?.log ?? '',
    codespace: refusal?.codespace ?? '',
    hash,
  }
}

const nothing = {
  code: 0,
  data: null,
  log: '',
  info: '',
  gas_wanted: '0',
  gas_used: '0',
  events: [] as readonly unknown[],
  codespace: '',
}

/** `tx_result` is what 0.38 and 1.0 call it, `deliver_tx` what 0.37 does. */
async function commit(parts: NodeParts, params: Params, wait: Wait) {
  const { hash, refusal, receipt } = await parts.broadcast(txIn(params), 'included', wait)
  if (refusal) {
    const { code, codespace, log } = refusal
    return {
      check_tx: { ...nothing, code, codespace, log },
      tx_result: {},
      deliver_tx: {},
      hash,
      height: '0',
    }
  }
  const inclusion = receipt && 'inclusion' in receipt.state ? receipt.state.inclusion : undefined
  const told = inclusion?.family === 'cosmos' ? inclusion : undefined
  // Its events and data are not in the receipt. It is on chain, whether or not they can be had.
  const found = (await parts.lookUp('comet', hash, wait).catch(() => undefined)) as
    | { tx_result?: object }
    | undefined
  const result = found?.tx_result ?? {
    ...nothing,
    code: told?.code ?? 0,
    codespace: told?.codespace ?? '',
    gas_wanted: String(told?.gasWanted ?? 0),
    gas_used: String(told?.gasUsed ?? 0),
  }
  return { check_tx: nothing, tx_result: result, deliver_tx: result, hash, height: String(told?.height ?? 0) }
}

async function tx(parts: NodeParts, params: Params, wait: Wait): Promise<unknown> {
  const hash = hashIn(params.hash)
  if (params.prove === true && parts.phaseOf(hash) !== 'open') {
    return parts.read('tx', { hash: toBase64(hexToBytes(hash)), prove: true }, wait)
  }
  const found = await parts.lookUp('comet', hash, wait)
  if (found === undefined) throw txNotFound(hash)
  return found
}

/**
 * A transaction's result; undefined while it is in no block. It is searched for: a search finds nothing where `tx` fails, and
 * the reason of a failure does not cross the mixnet.
 */
export async function readCometTx(read: NodeParts['read'], hash: string, wait: Wait): Promise<unknown> {
  const found = await read('tx_search', { query: `tx.hash='${hash}'` }, wait)
  const { txs } = (found ?? {}) as { readonly txs?: readonly unknown[] | null }
  return txs?.[0]
}

const byHash = /^\s*tx\.hash\s*=\s*'([0-9a-fA-F]{64})'\s*$/

/** Only a search by hash can be about a transaction of our own that is in no block. */
async function txSearch(parts: NodeParts, params: Params, wait: Wait): Promise<unknown> {
  const hash = byHash.exec(String(params.query))?.[1]?.toUpperCase()
  const phase = hash && parts.phaseOf(hash)
  if (!hash || !phase || (params.prove === true && phase !== 'open')) {
    return parts.read('tx_search', params, wait)
  }
  const found = await parts.lookUp('comet', hash, wait)
  return found === undefined ? { txs: [], total_count: '0' } : { txs: [found], total_count: '1' }
}

/** In base64, as JSON has it, or in hex, as URLs have it. Given back in upper case. */
function hashIn(value: unknown): string {
  const hex = typeof value === 'string' ? /^(?:0x)?([0-9a-fA-F]{64})$/.exec(value)?.[1] : undefined
  const bytes = hex ? undefined : fromBase64(value)
  if (!hex && bytes?.length !== 32) throw paramsInvalid('hash: is 32 bytes in base64, or in hex.')
  return (hex ?? bytesToHex(bytes as Uint8Array)).toUpperCase()
}

/** Height 0 is how some clients ask for the newest block. */
function newestUnlessTold(params: Params): Params {
  const { height, ...others } = params
  return height === undefined || height === null || height === 0 || height === '0' || height === ''
    ? others
    : params
}
