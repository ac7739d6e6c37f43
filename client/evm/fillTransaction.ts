import { concatBytes } from '../concatBytes.ts'
import { EvmNodeError, invalidParams } from './EvmNodeError.ts'
import { encodeRlp, type RlpValue, toMinimalBytes } from './encodeRlp.ts'
import { getTransactionCount } from './getTransactionCount.ts'
import type { NodeContext } from './NodeContext.ts'
import { readHex, readQuantity, toHex, toQuantity } from './quantity.ts'

/** A transaction before it is signed, as JSON-RPC has it. */
export type TransactionFields = Readonly<Record<string, unknown>>

export interface FilledTransaction {
  /** Unsigned. */
  readonly raw: `0x${string}`
  readonly tx: TransactionFields & {
    readonly type: string
    readonly nonce: string
    readonly gas: string
    readonly chainId: string
  }
}

/**
 * `eth_fillTransaction`: what is missing of a transaction (nonce, gas, fees), asked for in one message. What is given is not
 * asked for. Fees are viem's: 1.2 times the base fee of the next block, and the tip that the node suggests.
 *
 * It is answered here and not by a node, so that preparing a transaction is one round trip, whatever the node knows.
 */
export async function fillTransaction(
  context: NodeContext,
  params: readonly unknown[],
  signal?: AbortSignal,
): Promise<FilledTransaction> {
  const request = params[0]
  if (typeof request !== 'object' || request === null) throw invalidParams('the transaction is an object')
  const given = Object.fromEntries(
    Object.entries(request).filter(([, value]) => value !== undefined && value !== null),
  ) as Record<string, unknown>
  if (
    given.blobs !== undefined ||
    given.blobVersionedHashes !== undefined ||
    given.maxFeePerBlobGas !== undefined
  )
    throw invalidParams('blob transactions are filled by their sender')
  if (given.chainId !== undefined && readQuantity(given.chainId) !== context.chainId)
    throw invalidParams('the chain id is that of another chain')
  const input = given.input ?? given.data
  const call = pick({ ...given, data: input }, [
    ...['from', 'to', 'value', 'data', 'accessList', 'authorizationList'],
    ...['gasPrice', 'maxFeePerGas', 'maxPriorityFeePerGas'],
  ])
  const nonceOf = () => {
    if (typeof given.from !== 'string') throw invalidParams('without a nonce, from is needed')
    return getTransactionCount(context, [given.from, 'pending'], signal)
  }

  const [nonce, gas, fees] = await Promise.all([
    given.nonce ?? nonceOf(),
    given.gas ?? context.read('eth_estimateGas', [call], signal),
    fillFees(context, given, signal),
  ])
  const isLegacy = fees.gasPrice !== undefined
  const type =
    (given.type as string | undefined) ??
    (given.authorizationList ? '0x4' : !isLegacy ? '0x2' : given.accessList ? '0x1' : '0x0')
  const tx = {
    ...pick(given, ['from', 'to', 'accessList', 'authorizationList']),
    ...fees,
    type,
    chainId: toQuantity(context.chainId),
    nonce: quantity(nonce, 'nonce'),
    gas: quantity(gas, 'gas'),
    value: quantity(given.value ?? '0x0', 'value'),
    input: typeof input === 'string' ? input : '0x',
  }
  return { raw: encodeUnsigned(tx), tx }
}

type Fees =
  | { readonly gasPrice: string; readonly maxFeePerGas?: never }
  | { readonly maxFeePerGas: string; readonly maxPriorityFeePerGas: string; readonly gasPrice?: never }

async function fillFees(
  context: NodeContext,
  given: Readonly<Record<string, unknown>>,
  signal?: AbortSignal,
): Promise<Fees> {
  const readFee = async (method: string) => readQuantity(await context.read(method, [], signal))
  if (given.gasPrice !== undefined) return { gasPrice: quantity(given.gasPrice, 'gasPrice') }
  if (given.type === '0x0' || given.type === '0x1' || context.isLegacy.value) {
    return { gasPrice: quantity(await readFee('eth_gasPrice'), 'gasPrice') }
  }
  const maxFee = readQuantity(given.maxFeePerGas)
  const tip = readQuantity(given.maxPriorityFeePerGas)
  const [base, suggested] = await Promise.all([
    maxFee === undefined ? readBaseFee(context, signal) : undefined,
    tip ?? readFee('eth_maxPriorityFeePerGas').catch(ifUnknown),
  ])
  if (maxFee === undefined && base === undefined) {
    return { gasPrice: quantity(await readFee('eth_gasPrice'), 'gasPrice') }
  }
  const price = suggested === undefined ? await readFee('eth_gasPrice') : undefined
  const left = (price ?? 0n) - (base ?? 0n)
  const wanted = suggested ?? (left > 0n ? left : 0n)
  const highest = maxFee ?? ((base ?? 0n) * 12n) / 10n + wanted
  return {
    maxFeePerGas: toQuantity(highest),
    maxPriorityFeePerGas: toQuantity(tip === undefined && wanted > highest ? highest : wanted),
  }
}

/** Of the next block; undefined on a chain that has none (before EIP-1559), which is remembered. */
async function readBaseFee(context: NodeContext, signal?: AbortSignal): Promise<bigint | undefined> {
  const history = await context.read('eth_feeHistory', ['0x1', 'latest', []], signal).catch(ifUnknown)
  const { baseFeePerGas } = (history ?? {}) as { readonly baseFeePerGas?: readonly unknown[] }
  const base = readQuantity(baseFeePerGas?.at(-1))
  if (base !== undefined && base > 0n) return base
  // Some chains have a base fee of 0, and some say so though they have none.
  const block = (await context.read('eth_getBlockByNumber', ['latest', false], signal)) as {
    readonly baseFeePerGas?: unknown
  } | null
  const found = readQuantity(block?.baseFeePerGas)
  context.isLegacy.value = found === undefined
  return found
}

/** A node that does not know the method: there is another way. */
function ifUnknown(error: unknown): undefined {
  if (error instanceof EvmNodeError && (error.code === -32601 || error.code === -32000)) return undefined
  throw error
}

function quantity(value: unknown, name: string): string {
  const read = readQuantity(value)
  if (read === undefined) throw invalidParams(`${name} is a quantity`)
  return toQuantity(read)
}

function pick(from: TransactionFields, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]]])))
}

function encodeUnsigned(tx: Readonly<Record<string, unknown>>): `0x${string}` {
  const number = (value: unknown): RlpValue => toMinimalBytes(readQuantity(value) ?? 0n)
  const bytes = (value: unknown): RlpValue => readHex(value) ?? new Uint8Array()
  const list = (value: unknown) => (Array.isArray(value) ? value : []) as readonly TransactionFields[]
  const target: RlpValue[] = [number(tx.gas), bytes(tx.to), number(tx.value), bytes(tx.input)]
  if (tx.type === '0x0') {
    const none = new Uint8Array()
    return toHex(
      encodeRlp([number(tx.nonce), number(tx.gasPrice), ...target, number(tx.chainId), none, none]),
    )
  }
  const fees = tx.type === '0x1' ? [tx.gasPrice] : [tx.maxPriorityFeePerGas, tx.maxFeePerGas]
  const accessList = list(tx.accessList).map(({ address, storageKeys }) => [
    bytes(address),
    (storageKeys as readonly string[]).map(bytes),
  ])
  const authorizations = list(tx.authorizationList).map((one) => [
    number(one.chainId),
    bytes(one.address),
    ...[one.nonce, one.yParity, one.r, one.s].map(number),
  ])
  return toHex(
    concatBytes(
      Uint8Array.of(Number(tx.type)),
      encodeRlp([
        number(tx.chainId),
        number(tx.nonce),
        ...fees.map(number),
        ...target,
        accessList,
        ...(tx.type === '0x4' ? [authorizations] : []),
      ]),
    ),
  )
}
