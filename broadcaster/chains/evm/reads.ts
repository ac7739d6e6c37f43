import { wireError } from '@veilcast/shared/errors'
import { z } from 'zod'
import { ReadRefused } from '../ChainAdapter.ts'
import { refuseMethod, refuseParams } from '../reads/answerAs.ts'
import type { Keep, KnownRead, ParsedRead } from '../reads/createChainReads.ts'
import type { ReadHead } from '../reads/followHead.ts'
import type { EvmClient } from './EvmClient.ts'
import { toQuantity } from './nodeValues.ts'

/** One call for a node, written for one newest block. */
export interface EvmCall {
  readonly method: string
  readonly params: readonly unknown[]
  /** The same by the node's own newest block; undefined where no block was put in its place. */
  readonly byTag: readonly unknown[] | undefined
  /** A contract may revert it. */
  readonly runs: boolean
  /** Null says that the node does not have the block, which is there. */
  readonly hasBlock: boolean
  /** A look-up by hash: what it finds now it may find elsewhere later. */
  readonly isLookup: boolean
  /** What the call itself says of its nonce. */
  readonly nonce: bigint
}

export interface EvmReadLimits {
  readonly maxLogsRangeBlocks: number
}

type Block =
  | { readonly kind: 'newest' }
  | { readonly kind: 'pending' }
  | { readonly kind: 'tag'; readonly tag: 'safe' | 'finalized' | 'earliest' }
  | { readonly kind: 'number'; readonly number: bigint }
  | { readonly kind: 'hash'; readonly hash: string; readonly param: unknown; readonly canonical: boolean }

const lower = (text: string) => text.toLowerCase()
const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/)
  .transform(lower)
const hash = z
  .string()
  .regex(/^0x[0-9a-fA-F]{64}$/)
  .transform(lower)
const quantity = z
  .string()
  .regex(/^0x[0-9a-fA-F]{1,64}$/)
  .transform((text) => toQuantity(BigInt(text)))
const small = z.union([
  quantity,
  z
    .int()
    .min(0)
    .transform((number) => toQuantity(BigInt(number))),
])
/** Storage slots are written both ways, and nodes take both. */
const slot = z
  .string()
  .regex(/^0x[0-9a-fA-F]{1,64}$/)
  .transform(lower)
const maxDataHexChars = 16_384
const data = z
  .string()
  .max(maxDataHexChars)
  .regex(/^0x([0-9a-fA-F]{2})*$/)
  .transform(lower)

const newest: Block = { kind: 'newest' }
const byTag = z
  .enum(['latest', 'pending', 'safe', 'finalized', 'earliest'])
  .transform(
    (tag): Block => (tag === 'latest' ? newest : tag === 'pending' ? { kind: tag } : { kind: 'tag', tag }),
  )
const byNumber = quantity.transform((text): Block => ({ kind: 'number', number: BigInt(text) }))
const byHash = hash.transform((text): Block => ({ kind: 'hash', hash: text, param: text, canonical: false }))
const numbered = z.union([byTag, byNumber])
/** EIP-1898. A hash alone is taken by geth and others for a block's. */
const block = z.union([
  byTag,
  byHash,
  byNumber,
  z
    .strictObject({ blockNumber: quantity })
    .transform(({ blockNumber }): Block => ({ kind: 'number', number: BigInt(blockNumber) })),
  z.strictObject({ blockHash: hash, requireCanonical: z.boolean().nullish() }).transform(
    ({ blockHash, requireCanonical }): Block => ({
      kind: 'hash',
      hash: blockHash,
      param: { blockHash, ...(requireCanonical && { requireCanonical }) },
      canonical: requireCanonical === true,
    }),
  ),
])
const blockOrNewest = block.nullish().transform((value) => value ?? newest)

const maxAccessListEntries = 64
const maxStorageKeys = 256
const accessList = z
  .array(z.strictObject({ address, storageKeys: z.array(hash).max(maxStorageKeys) }))
  .max(maxAccessListEntries)
const authorizationList = z
  .array(
    z.strictObject({
      chainId: small,
      address,
      nonce: small,
      yParity: small.nullish(),
      v: small.nullish(),
      r: quantity,
      s: quantity,
    }),
  )
  .max(16)
const call = z
  .strictObject({
    from: address.nullish(),
    to: address.nullish(),
    gas: quantity.nullish(),
    /** As ethers and some wallets write it. */
    gasLimit: quantity.nullish(),
    gasPrice: quantity.nullish(),
    maxFeePerGas: quantity.nullish(),
    maxPriorityFeePerGas: quantity.nullish(),
    maxFeePerBlobGas: quantity.nullish(),
    value: quantity.nullish(),
    nonce: small.nullish(),
    data: data.nullish(),
    input: data.nullish(),
    type: small.nullish(),
    chainId: small.nullish(),
    accessList: accessList.nullish(),
    authorizationList: authorizationList.nullish(),
    blobVersionedHashes: z.array(hash).max(16).nullish(),
  })
  .transform(({ gasLimit, data, input, ...rest }) =>
    withoutNothing({
      ...rest,
      gas: rest.gas ?? gasLimit,
      // Every node knows this one of both names.
      data: data ?? input,
      input: data && input && data !== input ? input : undefined,
    }),
  )
/** What a call may pretend of accounts. It costs a node no more than any call, and tells it nothing else. */
const maxOverriddenAccounts = 16
const storage = z.record(hash, hash).refine((slots) => Object.keys(slots).length <= 64)
const stateOverride = z
  .record(
    address,
    z
      .strictObject({
        balance: quantity.nullish(),
        nonce: quantity.nullish(),
        code: data.nullish(),
        state: storage.nullish(),
        stateDiff: storage.nullish(),
      })
      .transform(withoutNothing),
  )
  .refine((accounts) => Object.keys(accounts).length <= maxOverriddenAccounts)
  .nullish()

const topic = z.union([z.null(), hash, z.array(z.union([hash, z.null()])).max(16)])
const logFilter = z.strictObject({
  address: z.union([address, z.array(address).max(32)]).nullish(),
  topics: z.array(topic).max(4).nullish(),
  fromBlock: numbered.nullish(),
  toBlock: numbered.nullish(),
  blockHash: hash.nullish(),
})

/** What is asked for one newest block. @param height as a quantity, or `latest` */
type ParamsAt = (newest: string) => readonly unknown[]

interface Plan {
  readonly params: ParamsAt
  readonly keep: Keep
  readonly runs?: boolean
  readonly hasBlock?: boolean
  readonly isLookup?: boolean
  readonly nonce?: bigint
}

interface Method {
  /** @throws ReadRefused (invalidParams) */
  parse(params: unknown): (height: bigint, limits: EvmReadLimits) => Plan | KnownRead
  readonly known?: (chainId: bigint) => unknown
}

function method<Schema extends z.ZodType>(
  schema: Schema,
  plan: (params: z.output<Schema>, height: bigint, limits: EvmReadLimits) => Plan | KnownRead,
): Method {
  return {
    parse(params) {
      const parsed = schema.safeParse(params ?? [])
      if (!parsed.success) throw refuseParams()
      return (height, limits) => plan(parsed.data, height, limits)
    },
  }
}

const nothing = z.union([z.tuple([]), z.strictObject({})])

function known(value: (chainId: bigint) => unknown): Method {
  return { ...method(nothing, () => ({ kind: 'known', value: undefined })), known: value }
}

/** What the node knows of its newest block, without a parameter that says which. */
const ofNewest = method(nothing, () => ({ params: () => [], keep: 'block' }))

/** State by block: the block stands behind the first parameters. */
function state<First extends readonly z.ZodType[]>(first: readonly [...First]): Method {
  return method(z.tuple([...first, blockOrNewest.optional()] as unknown as [z.ZodType]), (params) => {
    const given = params as unknown as unknown[]
    const at = (given[first.length] as Block | undefined) ?? newest
    const rest = given.slice(0, first.length)
    return { params: (height) => [...rest, blockParam(at, height)], keep: keepOf(at) }
  })
}

const run = (mayOmitBlock: boolean) =>
  method(z.tuple([call, blockOrNewest.optional(), stateOverride]), ([asked, at, overrides]) => {
    const where = at ?? newest
    // Some nodes take an estimate without a block only.
    const bare = mayOmitBlock && at === undefined && !overrides
    return {
      params: (height) =>
        bare ? [asked] : [asked, blockParam(where, height), ...(overrides ? [overrides] : [])],
      keep: keepOf(where),
      runs: true,
      nonce: typeof asked.nonce === 'string' ? BigInt(asked.nonce) : 0n,
    }
  })

/** Of a block that is found by its number or tag; null where there is none. */
function inBlock<Rest extends readonly z.ZodType[]>(rest: readonly [...Rest]): Method {
  return method(z.tuple([numbered, ...rest] as unknown as [z.ZodType]), (params, height) => {
    const [at, ...more] = params as unknown as [Block, ...unknown[]]
    return {
      params: (newest) => [blockParam(at, newest), ...more],
      keep: keepOf(at),
      hasBlock: at.kind === 'newest' || (at.kind === 'number' && at.number <= height),
    }
  })
}

/** Found by a hash that commits to it. */
function byItsHash<Rest extends readonly z.ZodType[]>(rest: readonly [...Rest]): Method {
  return method(z.tuple([hash, ...rest] as unknown as [z.ZodType]), (params) => ({
    params: () => params as unknown as unknown[],
    keep: 'always',
    isLookup: true,
  }))
}

const lookup = method(z.tuple([hash]), (params) => ({ params: () => params, keep: 'block', isLookup: true }))

const maxFeeHistoryBlocks = 1024n
const blockCount = z
  .union([
    small,
    z
      .string()
      .regex(/^\d{1,4}$/)
      .transform((text) => toQuantity(BigInt(text))),
  ])
  .refine((count) => BigInt(count) >= 1n && BigInt(count) <= maxFeeHistoryBlocks)

/**
 * Filters, traces, the pool and whatever changes something are not on the list: they cost a node much, or tell it much. Logs are
 * bounded in blocks, calls in what they pretend.
 */
const methods: Readonly<Record<string, Method>> = {
  eth_chainId: known(toQuantity),
  net_version: known((chainId) => chainId.toString()),
  net_listening: known(() => true),
  eth_syncing: known(() => false),
  web3_clientVersion: known(() => 'veilcast'),
  eth_blockNumber: method(nothing, (_, height) => ({ kind: 'known', value: toQuantity(height) })),
  eth_gasPrice: ofNewest,
  eth_maxPriorityFeePerGas: ofNewest,
  eth_blobBaseFee: ofNewest,
  eth_getBalance: state([address]),
  eth_getCode: state([address]),
  eth_getTransactionCount: state([address]),
  eth_getStorageAt: state([address, slot]),
  eth_getProof: state([address, z.array(slot).max(32)]),
  eth_call: run(false),
  eth_estimateGas: run(true),
  eth_createAccessList: run(false),
  eth_feeHistory: method(
    z.tuple([blockCount, numbered, z.array(z.number().min(0).max(100)).max(32).nullish()]),
    ([count, at, percentiles]) => ({
      params: (height) => [count, blockParam(at, height), percentiles ?? []],
      keep: keepOf(at),
    }),
  ),
  eth_getTransactionReceipt: lookup,
  eth_getTransactionByHash: lookup,
  eth_getBlockByNumber: inBlock([z.boolean().default(false)]),
  eth_getBlockByHash: byItsHash([z.boolean().default(false)]),
  eth_getBlockTransactionCountByNumber: inBlock([]),
  eth_getBlockTransactionCountByHash: byItsHash([]),
  eth_getUncleCountByBlockNumber: inBlock([]),
  eth_getUncleCountByBlockHash: byItsHash([]),
  eth_getTransactionByBlockNumberAndIndex: method(z.tuple([numbered, small]), ([at, index]) => ({
    params: (height) => [blockParam(at, height), index],
    keep: keepOf(at),
  })),
  eth_getTransactionByBlockHashAndIndex: byItsHash([small]),
  eth_getBlockReceipts: method(z.tuple([block]), ([at], height) => ({
    params: (newest) => [blockParam(at, newest)],
    keep: keepOf(at),
    hasBlock: at.kind === 'newest' || (at.kind === 'number' && at.number <= height),
  })),
  eth_getLogs: method(z.tuple([logFilter]), ([filter], height, limits) => logs(filter, height, limits)),
}

export const readableMethods: readonly string[] = Object.keys(methods)

/** @throws ReadRefused (methodNotAllowed, invalidParams) */
export function parseRead(
  name: string,
  params: unknown,
  chainId: bigint,
  limits: EvmReadLimits,
): ParsedRead<ReadHead<EvmClient>, EvmCall> {
  const method = Object.hasOwn(methods, name) ? methods[name] : undefined
  if (!method) throw refuseMethod()
  const planAt = method.parse(params)
  if (method.known) return { kind: 'known', value: method.known(chainId) }
  return {
    kind: 'asked',
    plan({ height }) {
      const plan = planAt(height, limits)
      if ('kind' in plan) return plan
      const byTag = plan.params('latest')
      const pinned = plan.params(toQuantity(height))
      const key = JSON.stringify([name, byTag])
      const isPinned = JSON.stringify([name, pinned]) !== key
      return {
        kind: 'planned',
        key,
        keep: plan.keep,
        call: {
          method: name,
          params: pinned,
          byTag: isPinned ? byTag : undefined,
          runs: plan.runs ?? false,
          hasBlock: plan.hasBlock ?? false,
          isLookup: plan.isLookup ?? false,
          nonce: plan.nonce ?? 0n,
        },
      }
    },
  }
}

function blockParam(at: Block, newest: string): unknown {
  switch (at.kind) {
    case 'newest':
      return newest
    case 'pending':
      return 'pending'
    case 'tag':
      return at.tag
    case 'number':
      return toQuantity(at.number)
    case 'hash':
      return at.param
  }
}

function keepOf(at: Block): Keep {
  if (at.kind === 'pending') return 'never'
  return at.kind === 'hash' && !at.canonical ? 'always' : 'block'
}

function logs(filter: z.output<typeof logFilter>, height: bigint, limits: EvmReadLimits): Plan | KnownRead {
  const { fromBlock, toBlock, blockHash, ...what } = filter
  const asked = withoutNothing(what)
  if (blockHash) {
    if (fromBlock || toBlock) throw refuseParams()
    return { params: () => [{ ...asked, blockHash }], keep: 'always' }
  }
  const [from, to] = [fromBlock ?? newest, toBlock ?? newest]
  // How far a tag is from a number only the node knows: a tag stands with itself alone.
  if (from.kind === 'tag' || to.kind === 'tag') {
    const [first, last] = [from, to].map((at) => (at.kind === 'tag' ? at.tag : undefined))
    if (first === undefined || first !== last) {
      if (first !== 'earliest') throw refuseParams()
    } else return { params: () => [{ ...asked, fromBlock: first, toBlock: last }], keep: 'block' }
  }
  const numberOf = (at: Block) => (at.kind === 'number' ? at.number : at.kind === 'tag' ? 0n : height)
  const [first, asLast] = [numberOf(from), numberOf(to)]
  const last = asLast < height ? asLast : height
  if (asLast < first && asLast < height) throw refuseParams()
  if (first > last) return { kind: 'known', value: [] }
  const blocks = last - first + 1n
  if (Number(blocks) > limits.maxLogsRangeBlocks) {
    throw new ReadRefused(
      wireError('rangeTooWide', { blocks, limitBlocks: BigInt(limits.maxLogsRangeBlocks) }),
    )
  }
  return {
    params: () => [{ ...asked, fromBlock: toQuantity(first), toBlock: toQuantity(last) }],
    keep: 'block',
  }
}

function withoutNothing(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined && value !== null),
  )
}
