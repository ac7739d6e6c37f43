import { RpcFault } from './describeError.ts'

type Kind = 'text' | 'whole' | 'flag' | 'base64' | 'hex'

const height = { height: 'whole' } as const
const page = { page: 'whole', per_page: 'whole' } as const
const tx = { tx: 'base64' } as const
const search = { query: 'text', prove: 'flag', ...page, order_by: 'text' } as const

/** CometBFT's methods (0.37 to 1.0), their arguments in order, and how JSON tells the bytes among them. */
const methods: Readonly<Record<string, Readonly<Record<string, Kind>>>> = {
  health: {},
  status: {},
  net_info: {},
  blockchain: { minHeight: 'whole', maxHeight: 'whole' },
  genesis: {},
  genesis_chunked: { chunk: 'whole' },
  block: height,
  block_by_hash: { hash: 'base64' },
  block_results: height,
  commit: height,
  header: height,
  header_by_hash: { hash: 'hex' },
  check_tx: tx,
  tx: { hash: 'base64', prove: 'flag' },
  tx_search: search,
  block_search: { query: 'text', ...page, order_by: 'text' },
  validators: { ...height, ...page },
  consensus_params: height,
  consensus_state: {},
  dump_consensus_state: {},
  unconfirmed_txs: { limit: 'whole' },
  num_unconfirmed_txs: {},
  broadcast_tx_async: tx,
  broadcast_tx_sync: tx,
  broadcast_tx_commit: tx,
  abci_query: { path: 'text', data: 'hex', height: 'whole', prove: 'flag' },
  abci_info: {},
}

export const isCometMethod = (name: string) => Object.hasOwn(methods, name)

/**
 * Arguments as a URI writes them (`?path="/a"&data=0xff&height=5`) become those of a JSON-RPC call.
 * @throws RpcFault -32602
 */
export function uriParams(method: string, query: string): Record<string, unknown> {
  const params: Record<string, unknown> = {}
  const given = new URLSearchParams(query)
  for (const [name, kind] of Object.entries(methods[method] ?? {})) {
    const text = given.get(name)
    if (text !== null && text !== '') params[name] = fromUri(kind, text, name)
  }
  return params
}

/** Named arguments, also where the call gave them by their place. @throws RpcFault -32602 */
export function namedParams(method: string, params: unknown): Record<string, unknown> {
  if (params === undefined) return {}
  if (!Array.isArray(params)) return { ...(params as Record<string, unknown>) }
  const names = Object.keys(methods[method] ?? {})
  if (params.length > names.length) throw new RpcFault(-32602, `${method} takes ${names.length} arguments.`)
  return Object.fromEntries(params.map((value, index) => [names[index] as string, value]))
}

function fromUri(kind: Kind, text: string, name: string): unknown {
  if (kind === 'whole') {
    const digits = /^"?(-?\d{1,20})"?$/.exec(text)?.[1]
    if (digits !== undefined) return digits
  } else if (kind === 'flag') {
    if (text === 'true' || text === 'false') return text === 'true'
  } else {
    const bytes = fromHex(text) ?? fromQuoted(text)
    if (bytes) return bytes.toString(kind === 'text' ? 'utf8' : kind)
  }
  const forms = { whole: 'a whole number', flag: 'true or false' } as const
  const form = kind === 'whole' || kind === 'flag' ? forms[kind] : '"quoted" or 0x hex'
  throw new RpcFault(-32602, `Invalid params: ${name} is ${form}.`)
}

function fromHex(text: string): Buffer | undefined {
  return /^0x([0-9a-f]{2})*$/i.test(text) ? Buffer.from(text.slice(2), 'hex') : undefined
}

function fromQuoted(text: string): Buffer | undefined {
  if (!/^".*"$/s.test(text)) return undefined
  try {
    return Buffer.from(JSON.parse(text) as string, 'utf8')
  } catch {
    return undefined
  }
}
