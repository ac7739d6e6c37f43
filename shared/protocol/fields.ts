import * as P from 'micro-packed'
import { type ChainId, isChainId, type RequestId, type TxId } from './ids.ts'
import { maxChainIdBytes, maxCodespaceBytes, maxErrorValues } from './limits.ts'

/**
 * The small coders that messages are built from. Each bounds its length by its prefix or a check before it copies; all
 * integers are big-endian and unsigned.
 */

const ascii: P.Coder<Uint8Array, string> = {
  encode: (bytes) => String.fromCharCode(...bytes),
  decode: (text) => Uint8Array.from(text, (char) => char.charCodeAt(0)),
}

/** u8 length, then printable ASCII. */
export function shortText(maxBytes: number): P.CoderType<string> {
  return P.validate(P.apply(P.bytes(P.U8), ascii), (text) => {
    if (text.length > maxBytes) throw new RangeError(`longer than ${maxBytes} bytes`)
    if (/[^\x21-\x7e]/.test(text)) throw new RangeError('not printable ASCII')
    return text
  })
}

/** A length prefix, then at most `maxBytes`. */
export function boundedBytes(length: P.CoderType<number>, maxBytes: number): P.CoderType<Uint8Array> {
  return atMost(P.bytes(length), maxBytes)
}

/** All that is left of the message, at most `maxBytes`. */
export function restBytes(maxBytes: number): P.CoderType<Uint8Array> {
  return atMost(P.bytes(null), maxBytes)
}

function atMost(inner: P.CoderType<Uint8Array>, maxBytes: number): P.CoderType<Uint8Array> {
  return P.validate(inner, (bytes) => {
    if (bytes.length > maxBytes) throw new RangeError(`longer than ${maxBytes} bytes`)
    return bytes
  })
}

export const requestId = P.bytes(16) as unknown as P.CoderType<RequestId>
export const txId = P.bytes(32) as unknown as P.CoderType<TxId>

export const chainId = P.validate(shortText(maxChainIdBytes), (text) => {
  if (!isChainId(text)) throw new RangeError('not a CAIP-2 chain id')
  return text
}) as unknown as P.CoderType<ChainId>

/** One of a few words as a u8; any other number is refused. */
export function oneOf<const T extends readonly string[]>(words: T): P.CoderType<T[number]> {
  return P.wrap({
    encodeStream: (writer, word: T[number]) => {
      const index = words.indexOf(word)
      if (index < 0) throw writer.err('unknown word')
      writer.byte(index)
    },
    decodeStream: (reader): T[number] => {
      const word = words[reader.byte()]
      if (word === undefined) throw reader.err('unknown number')
      return word
    },
  })
}

export const wireError = P.struct({
  number: P.U16BE,
  outcome: oneOf(['notSent', 'unknown', 'onChain']),
  values: P.validate(P.array(P.U8, P.U64BE), (values) => {
    if (values.length > maxErrorValues) throw new RangeError(`more than ${maxErrorValues} values`)
    return values
  }),
  label: shortText(maxCodespaceBytes),
})

/** A u8 that says which variant follows; in memory the variant's name stands in the field `key`, beside its fields. */
export function union<T>(
  key: string,
  variants: Readonly<Record<string, readonly [number: number, fields: unknown]>>,
): P.CoderType<T> {
  const coder = P.mappedTag(P.U8, variants as unknown as Record<string, [number, P.CoderType<unknown>]>)
  return P.apply(coder as P.CoderType<{ TAG: string; data: Record<string, unknown> }>, {
    encode: ({ TAG, data }) => ({ [key]: TAG, ...data }) as T,
    decode: (value) => {
      const { [key]: TAG, ...data } = value as Record<string, unknown>
      return { TAG: TAG as string, data }
    },
  })
}

/** Refuses trailing bytes. The codec's own check would print them all in hex into its error. */
export function whole<T>(inner: P.CoderType<T>): P.CoderType<T> {
  return P.wrap({
    encodeStream: inner.encodeStream,
    decodeStream: (reader): T => {
      const value = inner.decodeStream(reader)
      if (!reader.isEnd()) throw reader.err('trailing bytes')
      return value
    },
  })
}
