import { z } from 'zod'
import { refuseMethod, refuseParams } from '../reads/answerAs.ts'
import type { Keep } from '../reads/createChainReads.ts'
import type { RestRequest } from './restNode.ts'

/** What of the REST API wallets use. Whatever is not here is not asked. */
const address = '[a-z][a-z0-9]{0,30}1[02-9ac-hj-np-z]{6,90}'
const id = '[0-9]{1,19}'
const denom = '[a-zA-Z][a-zA-Z0-9:._-]{0,127}(?:/[a-zA-Z0-9:._-]{1,127}){0,6}'
const hash = '[0-9a-fA-F]{64}'
const channel = 'channel-[0-9]{1,12}'
const port = '[a-zA-Z0-9._-]{2,128}'
const client = '[a-z0-9-]{9,64}'
const word = '[a-z]{1,16}'

const paths: readonly RegExp[] = [
  `/cosmos/auth/v1beta1/(accounts|account_info)/${address}`,
  '/cosmos/auth/v1beta1/(params|bech32)',
  `/cosmos/bank/v1beta1/(balances|spendable_balances)/${address}(/by_denom)?`,
  '/cosmos/bank/v1beta1/(params|supply|supply/by_denom|denoms_metadata|denoms_metadata_by_query_string)',
  `/cosmos/bank/v1beta1/(denoms_metadata|supply)/${denom}`,
  '/cosmos/staking/v1beta1/(params|pool|validators)',
  `/cosmos/staking/v1beta1/validators/${address}(/delegations/${address}(/unbonding_delegation)?)?`,
  `/cosmos/staking/v1beta1/delegations/${address}`,
  `/cosmos/staking/v1beta1/delegators/${address}/(unbonding_delegations|redelegations|validators)`,
  '/cosmos/distribution/v1beta1/(params|community_pool)',
  `/cosmos/distribution/v1beta1/delegators/${address}/(rewards(/${address})?|validators|withdraw_address)`,
  `/cosmos/distribution/v1beta1/validators/${address}/(commission|outstanding_rewards)`,
  '/cosmos/gov/(v1|v1beta1)/proposals',
  `/cosmos/gov/(v1|v1beta1)/proposals/${id}(/(tally|votes|deposits|(votes|deposits)/${address}))?`,
  `/cosmos/gov/(v1|v1beta1)/params/${word}`,
  '/cosmos/mint/v1beta1/(params|inflation|annual_provisions)',
  '/cosmos/slashing/v1beta1/params',
  `/cosmos/feegrant/v1beta1/(allowances/${address}|allowance/${address}/${address})`,
  `/cosmos/authz/v1beta1/grants(/(granter|grantee)/${address})?`,
  '/cosmos/base/tendermint/v1beta1/(node_info|syncing|blocks/latest)',
  `/cosmos/base/tendermint/v1beta1/blocks/${id}`,
  '/cosmos/base/node/v1beta1/config',
  `/cosmos/tx/v1beta1/txs/${hash}`,
  `/ibc/apps/transfer/v1/(params|(denom_traces|denoms)/(ibc/)?${hash})`,
  `/ibc/core/channel/v1/channels/${channel}/ports/${port}(/client_state)?`,
  `/ibc/core/client/v1/client_states/${client}`,
  '/feemarket/v1/(params|gas_prices|state)',
  `/feemarket/v1/gas_price/${denom}`,
  '/osmosis/txfees/v1beta1/(base_denom|fee_tokens|cur_eip_base_fee)',
  `/cosmwasm/wasm/v1/contract/${address}`,
].map((path) => new RegExp(`^${path}$`))

const smartQuery = new RegExp(`^(/cosmwasm/wasm/v1/contract/${address}/smart/)([A-Za-z0-9+/=_%-]{1,12288})$`)
const simulatePath = '/cosmos/tx/v1beta1/simulate'

const maxPathChars = 12_800
const maxQueryChars = 2_048
const maxPageLimit = 1_000
const maxPageOffset = 100_000

const request = z.strictObject({
  path: z.string().max(maxPathChars),
  query: z.string().max(maxQueryChars).nullish(),
  body: z
    .strictObject({
      tx_bytes: z
        .string()
        .min(1)
        .max(16_384)
        .regex(/^[A-Za-z0-9+/_-]*={0,2}$/),
    })
    .nullish(),
})

/** What may be asked behind the question mark. */
const queryKeys: Readonly<Record<string, RegExp>> = {
  'pagination.key': /^[A-Za-z0-9+/=_-]{0,512}$/,
  'pagination.limit': /^\d{1,4}$/,
  'pagination.offset': /^\d{1,6}$/,
  'pagination.count_total': /^(true|false)$/,
  'pagination.reverse': /^(true|false)$/,
  denom: /^[a-zA-Z][a-zA-Z0-9/:._-]{0,255}$/,
  resolve_denom: /^(true|false)$/,
  status: /^[A-Z_]{1,64}$/,
  proposal_status: /^([A-Z_]{1,64}|\d{1,2})$/,
  voter: new RegExp(`^${address}$`),
  depositor: new RegExp(`^${address}$`),
  granter: new RegExp(`^${address}$`),
  grantee: new RegExp(`^${address}$`),
  src_validator_addr: new RegExp(`^${address}$`),
  dst_validator_addr: new RegExp(`^${address}$`),
  msg_type_url: /^[a-zA-Z0-9./]{1,128}$/,
}

export interface PlannedRest {
  readonly request: RestRequest
  readonly keep: Keep
  /** Of the chain's state, which can be asked for after a block. */
  readonly isState: boolean
  readonly isLookup: boolean
  readonly isNodeInfo: boolean
}

/** @throws ReadRefused (methodNotAllowed for a path, invalidParams for the rest) */
export function parseRest(params: unknown): PlannedRest {
  const parsed = request.safeParse(params)
  if (!parsed.success) throw refuseParams()
  const { path, body } = parsed.data
  const query = canonicalQuery(parsed.data.query ?? '')
  if (path === simulatePath) {
    if (!body || query !== '') throw refuseParams()
    // By the state that the node checks transactions against, which changes with each of them.
    return planned({ method: 'POST', path, query, body }, { keep: 'never', isState: false })
  }
  const smart = smartQuery.exec(path)
  const allowed = smart !== null || isAllowed(path)
  if (!allowed) throw refuseMethod()
  if (body) throw refuseParams()
  if (smart) return planned({ method: 'GET', path: `${smart[1]}${base64Url(smart[2] ?? '')}`, query })
  if (path.startsWith('/cosmos/tx/')) {
    return planned({ method: 'GET', path, query }, { isState: false, isLookup: true })
  }
  if (path.startsWith('/cosmos/base/')) {
    const isNodeInfo = path.endsWith('/node_info')
    return planned({ method: 'GET', path, query }, { isState: false, isNodeInfo })
  }
  return planned({ method: 'GET', path, query })
}

function planned(request: RestRequest, more: Partial<PlannedRest> = {}): PlannedRest {
  return { request, keep: 'block', isState: true, isLookup: false, isNodeInfo: false, ...more }
}

function isAllowed(path: string): boolean {
  // A denomination may hold dots and slashes: none that a server takes for a way up.
  if (/\/\.{0,2}(\/|$)/.test(path)) return false
  return paths.some((pattern) => pattern.test(path))
}

/** Keys that are known, each once, in the order of the alphabet. @throws ReadRefused (invalidParams) */
function canonicalQuery(query: string): string {
  if (query === '') return ''
  if (!/^[\x21-\x7e]*$/.test(query) || query.includes('#')) throw refuseParams()
  const pairs: [string, string][] = []
  for (const [key, value] of new URLSearchParams(query)) {
    const form = Object.hasOwn(queryKeys, key) ? queryKeys[key] : undefined
    // A plus is a space in a form, and itself in base64.
    const meant = key === 'pagination.key' ? value.replaceAll(' ', '+') : value
    if (!form?.test(meant) || pairs.some(([known]) => known === key)) throw refuseParams()
    if (key === 'pagination.limit' && Number(meant) > maxPageLimit) throw refuseParams()
    if (key === 'pagination.offset' && Number(meant) > maxPageOffset) throw refuseParams()
    pairs.push([key, meant])
  }
  pairs.sort(([a], [b]) => (a < b ? -1 : 1))
  return pairs.map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join('&')
}

/** The query of a contract is base64 of JSON, however it was put into the path: goes on in letters that need no escape. */
function base64Url(segment: string): string {
  const text = segment.replace(/%(2[bB]|2[fF]|3[dD])/g, (escaped) => decodeURIComponent(escaped))
  if (!/^[A-Za-z0-9+/_-]{1,8192}={0,2}$/.test(text)) throw refuseParams()
  const padded = text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
  return padded + '='.repeat((4 - (padded.length % 4)) % 4)
}
