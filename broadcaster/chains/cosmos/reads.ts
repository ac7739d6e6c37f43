import { z } from 'zod'
import { refuseMethod, refuseParams } from '../reads/answerAs.ts'
import type { Keep, KnownRead, ParsedRead } from '../reads/createChainReads.ts'
import type { ReadHead } from '../reads/followHead.ts'
import type { CometNode } from './cometNode.ts'
import { type PlannedRest, parseRest } from './restPaths.ts'

/** The newest block that a node has, whose state can be asked for, with what it said of itself. */
export interface CosmosReadHead extends ReadHead<CometNode> {
  /** As wallets may see it. */
  readonly status: unknown
  readonly abciInfo: unknown
}

/** One call for a node, written for one newest block. */
export type CosmosCall =
  | {
      readonly kind: 'rpc'
      readonly method: string
      readonly params: object
      /** The same by the node's own newest block; undefined where no height was put in its place. */
      readonly byOwnNewest: object | undefined
      readonly isLookup: boolean
    }
  | {
      readonly kind: 'rest'
      readonly rest: PlannedRest
      /** Undefined: the node's own newest. */
      readonly height: string | undefined
    }

interface Plan {
  readonly params: (height: string | undefined) => object
  readonly keep: Keep
  readonly isLookup?: boolean
}

type Method = (params: unknown) => Plan | ((head: CosmosReadHead) => KnownRead)

/** 0 stands for the newest, as with CometBFT. */
const height = z
  .union([z.string().regex(/^(0|[1-9]\d{0,18})$/), z.int().min(0)])
  .nullish()
  .transform((value) =>
    value === null || value === undefined || Number(value) === 0 ? undefined : String(value),
  )
const page = z
  .union([z.string().regex(/^[1-9]\d{0,3}$/), z.int().min(1).max(9_999)])
  .transform(String)
  .nullish()
const perPage = z
  .union([z.string().regex(/^([1-9]\d?|100)$/), z.int().min(1).max(100)])
  .transform(String)
  .nullish()
const prove = z.boolean().nullish()
const nothing = z.strictObject({})

const maxDataHexChars = 16_384
const hexData = z
  .string()
  .max(maxDataHexChars)
  .regex(/^([0-9a-fA-F]{2})*$/)
  .transform((text) => text.toLowerCase())
/** In base64, as JSON has bytes; some write hex. */
const hash = z.union([
  z.string().regex(/^[A-Za-z0-9+/]{43}=$/),
  z
    .string()
    .regex(/^(0x)?[0-9a-fA-F]{64}$/)
    .transform((text) => Buffer.from(text.replace(/^0x/, ''), 'hex').toString('base64')),
])

/** One transaction, one block's, or one account's: other searches cost a node too much. */
const address = '[a-z][a-z0-9]{0,30}1[02-9ac-hj-np-z]{6,90}'
const anchors = [
  `tx\\.hash ?= ?'[0-9a-fA-F]{64}'`,
  'tx\\.height ?= ?\\d{1,19}',
  `(message\\.sender|transfer\\.(sender|recipient)|coin_spent\\.spender|coin_received\\.receiver) ?= ?'${address}'`,
]
const narrowings = [
  'tx\\.height ?(<|>|<=|>=|=) ?\\d{1,19}',
  `message\\.(action|module) ?= ?'[a-zA-Z0-9._/]{1,128}'`,
]
const search = z
  .string()
  .max(512)
  .regex(new RegExp(`^(${anchors.join('|')})( AND (${[...anchors, ...narrowings].join('|')})){0,3}$`))

function method<Schema extends z.ZodType<object>>(
  schema: Schema,
  plan: (params: z.output<Schema>) => Plan,
): Method {
  return (params) => plan(parse(schema, params))
}

function parse<Schema extends z.ZodType<object>>(schema: Schema, params: unknown): z.output<Schema> {
  const empty = params === undefined || params === null || (Array.isArray(params) && params.length === 0)
  const parsed = schema.safeParse(empty ? {} : params)
  if (!parsed.success) throw refuseParams()
  return parsed.data
}

function ofHead(value: (head: CosmosReadHead) => unknown): Method {
  return (params) => {
    parse(nothing, params)
    return (head) => ({ kind: 'known', value: value(head) })
  }
}

/** What is in a block stays in it: each block is final. */
const atHeight = (more: Readonly<Record<string, z.ZodType>> = {}) =>
  method(z.strictObject({ height, ...more }), (params) => {
    const { height: at, ...rest } = params as { height?: string }
    return {
      params: (newest) => ({ ...withHeight(at ?? newest), ...withoutNothing(rest) }),
      keep: at === undefined ? 'block' : 'always',
    }
  })

/** What is found now is there for good; what is not may come. */
const byHash = (more: Readonly<Record<string, z.ZodType>> = {}) =>
  method(z.strictObject({ hash, ...more }), (params) => ({
    params: () => withoutNothing(params),
    keep: 'always',
    isLookup: true,
  }))

const methods: Readonly<Record<string, Method>> = {
  health: ofHead(() => ({})),
  status: ofHead(({ status }) => status),
  abci_info: ofHead(({ abciInfo }) => abciInfo),
  block: atHeight(),
  block_results: atHeight(),
  // The newest block's is not its last form yet.
  commit: method(z.strictObject({ height }), ({ height: at }) => ({
    params: (newest) => withHeight(at ?? newest),
    keep: 'block',
  })),
  header: atHeight(),
  consensus_params: atHeight(),
  validators: atHeight({ page, per_page: perPage }),
  block_by_hash: byHash(),
  header_by_hash: byHash(),
  tx: byHash({ prove }),
  blockchain: method(
    z.strictObject({ minHeight: height, maxHeight: height }),
    ({ minHeight, maxHeight }) => ({
      params: () => ({ minHeight: minHeight ?? '0', maxHeight: maxHeight ?? '0' }),
      keep: 'block',
    }),
  ),
  tx_search: method(
    z.strictObject({
      query: search,
      prove,
      page,
      per_page: perPage,
      order_by: z.enum(['asc', 'desc']).nullish(),
      match_events: z.boolean().nullish(),
    }),
    (params) => ({ params: () => withoutNothing(params), keep: 'block', isLookup: true }),
  ),
}

const abciQuery = z.strictObject({ path: z.string().max(256), data: hexData.default(''), height, prove })

/**
 * Services beside `Query` that read only. Others send a transaction or tell of the node itself, and `Simulate` is not asked by
 * height: it runs on what the node checks transactions against.
 */
const simulate = '/cosmos.tx.v1beta1.Service/Simulate'
const readingServices: ReadonlySet<string> = new Set([
  simulate,
  '/cosmos.tx.v1beta1.Service/GetTx',
  '/cosmos.base.node.v1beta1.Service/Config',
])

export const readableMethods: readonly string[] = [...Object.keys(methods), 'abci_query', 'rest']

/** @throws ReadRefused (methodNotAllowed, invalidParams) */
export function parseRead(
  name: string,
  params: unknown,
  config: { readonly queryPathPrefixes: readonly string[]; readonly hasRest: boolean },
): ParsedRead<CosmosReadHead, CosmosCall> {
  if (name === 'rest') {
    if (!config.hasRest) throw refuseMethod()
    return parseRestRead(params)
  }
  if (name === 'abci_query') return asked(name, parseAbciQuery(params, config.queryPathPrefixes))
  const method = Object.hasOwn(methods, name) ? methods[name] : undefined
  if (!method) throw refuseMethod()
  const plan = method(params)
  return typeof plan === 'function' ? { kind: 'asked', plan } : asked(name, plan)
}

function asked(name: string, plan: Plan): ParsedRead<CosmosReadHead, CosmosCall> {
  const byOwnNewest = plan.params(undefined)
  const key = JSON.stringify([name, byOwnNewest])
  return {
    kind: 'asked',
    plan(head) {
      const params = plan.params(head.height.toString())
      const isPinned = JSON.stringify([name, params]) !== key
      return {
        kind: 'planned',
        key,
        keep: plan.keep,
        call: {
          kind: 'rpc',
          method: name,
          params,
          byOwnNewest: isPinned ? byOwnNewest : undefined,
          isLookup: plan.isLookup ?? false,
        },
      }
    },
  }
}

function parseAbciQuery(params: unknown, prefixes: readonly string[]): Plan {
  const { path, data, height: at, prove } = parse(abciQuery, params)
  if (!isAllowedPath(path, prefixes)) throw refuseMethod()
  const rest = { path, data, ...withoutNothing({ prove }) }
  if (path === simulate) return { params: () => rest, keep: 'never' }
  return {
    params: (newest) => ({ ...rest, ...withHeight(at ?? newest) }),
    keep: at === undefined ? 'block' : 'always',
  }
}

function isAllowedPath(path: string, prefixes: readonly string[]): boolean {
  if (!/^\/[a-zA-Z0-9_./]+$/.test(path) || !prefixes.some((prefix) => path.startsWith(prefix))) return false
  const isOfService = path.includes('.')
  return !isOfService || readingServices.has(path) || /^\/[a-zA-Z0-9_.]+\.Query\/[a-zA-Z0-9]+$/.test(path)
}

function parseRestRead(params: unknown): ParsedRead<CosmosReadHead, CosmosCall> {
  const rest = parseRest(params)
  return {
    kind: 'asked',
    plan: (head) => ({
      kind: 'planned',
      key: JSON.stringify(['rest', rest.request]),
      keep: rest.keep,
      call: { kind: 'rest', rest, height: rest.isState ? head.height.toString() : undefined },
    }),
  }
}

function withHeight(at: string | undefined): { height?: string } {
  return at === undefined ? {} : { height: at }
}

function withoutNothing(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined && value !== null),
  )
}
