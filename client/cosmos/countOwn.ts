import { fromBase64, toBase64 } from './base64.ts'
import type { OwnTransaction } from './ownTransactions.ts'
import { bytesOf, type Field, numberOf, readFields, textOf, writeFields } from './protobuf.ts'
import { readPublicKey, secp256k1Key } from './readSigner.ts'

/**
 * A chain counts what is in blocks. A wallet that sends again before that would use the same sequence twice: the account's next
 * sequence counts what a broadcaster has of our own and no block that the answer knows has, as far as it follows without a gap.
 * An account is known by its public key, which the chain has from its first transaction on.
 */
function nextSequence(
  own: Iterable<OwnTransaction>,
  publicKey: string | undefined,
  byChain: bigint,
  height: bigint | undefined,
): bigint {
  const used = new Set<bigint>()
  for (const { signer, phase, isTaken, height: includedAt } of own) {
    if (!signer || signer.publicKey !== publicKey) continue
    const isUnderWay = phase === 'open' && isTaken
    const isAhead = height !== undefined && includedAt !== undefined && includedAt > height
    if (isUnderWay || isAhead) used.add(signer.sequence)
  }
  let next = byChain
  while (used.has(next)) next += 1n
  return next
}

const baseAccount = '/cosmos.auth.v1beta1.BaseAccount'
const sequenceField = 4

/** The answer to an `abci_query` for an account, with the next sequence. Other kinds of account are left as they are. */
export function countOwnInQuery(answer: unknown, own: Iterable<OwnTransaction>): unknown {
  const { response } = (answer ?? {}) as { response?: { value?: unknown; height?: unknown } | null }
  const value = fromBase64(response?.value)
  if (!value?.length) return answer
  try {
    const any = readFields(bytesOf(readFields(value), 1))
    if (textOf(any, 1) !== baseAccount) return answer
    const account = readFields(bytesOf(any, 2))
    const sequence = numberOf(account, sequenceField)
    const height = /^\d{1,19}$/.test(String(response?.height)) ? BigInt(String(response?.height)) : undefined
    const next = nextSequence(own, readPublicKey(bytesOf(account, 2)), sequence, height)
    if (next === sequence) return answer
    const others = account.filter(({ number }) => number !== sequenceField)
    const counted: Field[] = [...others, { number: sequenceField, value: next }]
    const anyCounted = writeFields([
      { number: 1, value: new TextEncoder().encode(baseAccount) },
      { number: 2, value: writeFields(counted) },
    ])
    return {
      ...(answer as object),
      response: { ...response, value: toBase64(writeFields([{ number: 1, value: anyCounted }])) },
    }
  } catch {
    return answer
  }
}

/** The same by the REST API. */
export function countOwnInRest(body: unknown, own: Iterable<OwnTransaction>): unknown {
  const { account } = (body ?? {}) as { account?: Readonly<Record<string, unknown>> | null }
  const { pub_key, sequence, '@type': type } = account ?? {}
  const { key, '@type': keyType } = (pub_key ?? {}) as { readonly key?: string; readonly '@type'?: unknown }
  if (type !== baseAccount || keyType !== secp256k1Key || !/^\d{1,19}$/.test(String(sequence))) return body
  const next = nextSequence(own, key, BigInt(String(sequence)), undefined)
  return { ...(body as object), account: { ...account, sequence: next.toString() } }
}
