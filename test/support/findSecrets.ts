import { base58, bech32 } from '@scure/base'

/** What must not be found. */
export interface Needle {
  readonly name: string
  /** At least 8. */
  readonly bytes: Uint8Array
}

/** Where it is looked for. */
export interface Haystack {
  readonly name: string
  readonly bytes: Uint8Array
}

export interface FoundSecret {
  readonly needle: string
  readonly encoding: string
  readonly haystack: string
  readonly at: number
}

const minNeedleBytes = 8
const pieceBytes = 16
const pieceStride = 8
/** What is repeated or empty is everywhere. */
const minDistinctBytes = 5
const maxFound = 50

export const textNeedle = (name: string, text: string): Needle => ({ name, bytes: Buffer.from(text) })

export const hexNeedle = (name: string, hex: string): Needle => ({
  name,
  bytes: Buffer.from(hex.replace(/^0x/, ''), 'hex'),
})

/**
 * A long one as the pieces of 16 bytes in it, so that a part of it that was cut off or wrapped is found as well: any 23 bytes
 * in a row hold a piece.
 */
export function piecesOf({ name, bytes }: Needle): Needle[] {
  if (bytes.length <= pieceBytes + pieceStride) return [{ name, bytes }]
  const pieces: Needle[] = []
  for (let from = 0; from + pieceBytes <= bytes.length; from += pieceStride) {
    pieces.push({ name: `${name} from byte ${from}`, bytes: bytes.subarray(from, from + pieceBytes) })
  }
  return pieces
}

/** Every place where a needle stands, in any encoding that a log, a page or a store could give it. At most 50. */
export function findSecrets(needles: readonly Needle[], haystacks: readonly Haystack[]): FoundSecret[] {
  const patterns: Pattern[] = []
  for (const { name, bytes } of needles) {
    if (bytes.length < minNeedleBytes) throw new RangeError(`${name} is too short to be looked for.`)
    if (new Set(bytes).size < minDistinctBytes) continue
    for (const [encoding, text] of encodingsOf(bytes)) {
      patterns.push({ needle: name, encoding, bytes: typeof text === 'string' ? Buffer.from(text) : text })
    }
  }
  const index = indexed(patterns)
  const found: FoundSecret[] = []
  for (const haystack of haystacks) scan(index, haystack, found)
  return found
}

interface Pattern {
  readonly needle: string
  readonly encoding: string
  /** In lower case where the encoding says nothing by its case. */
  readonly bytes: Uint8Array
}

function encodingsOf(bytes: Uint8Array): [encoding: string, text: string | Uint8Array][] {
  const buffer = Buffer.from(bytes)
  const hex = buffer.toString('hex')
  const list = [...bytes]
  const text = buffer.toString('latin1')
  const printable = /^[\x20-\x7e]+$/.test(text)
  return [
    ['raw bytes', buffer],
    [anyCase('hex'), hex],
    [anyCase('hex, apart'), hex.replace(/..(?!$)/g, '$& ')],
    [anyCase('hex, by colons'), hex.replace(/..(?!$)/g, '$&:')],
    [anyCase('hex in hex'), Buffer.from(hex).toString('hex')],
    ...base64Of(buffer, 'base64'),
    ...base64Of(Buffer.from(hex), 'base64 of hex'),
    ['base58', base58.encode(bytes)],
    // Without prefix and checksum, which differ between kinds of addresses.
    [anyCase('bech32'), bech32.encode('a', bech32.toWords(bytes), false).slice(2, -6)],
    ['decimal list', list.join(',')],
    ['decimal list, apart', list.join(', ')],
    ['JSON of an array of bytes', list.map((byte, place) => `"${place}":${byte}`).join(',')],
    ['decimal', BigInt(`0x${hex}`).toString()],
    ['as Redis and its tools print it', list.map(redisPrinted).join('')],
    ...(printable
      ? ([
          ['UTF-16', Buffer.from(text, 'utf16le')],
          ['in an URL', encodeURIComponent(text)],
          ['in JSON', JSON.stringify(text).slice(1, -1)],
        ] as [string, string | Uint8Array][])
      : []),
  ]
}

/** At each of the three places that it can have in a group; the characters that hold neighbours' bits are left out. */
function base64Of(bytes: Buffer, name: string): [string, string][] {
  return [0, 1, 2].flatMap((shift) => {
    const whole = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    const first = [0, 2, 3][shift]!
    const last = whole.length - ((shift + bytes.length) % 3 === 0 ? 0 : 1)
    const text = whole.slice(first, last)
    const forUrls = text.replaceAll('+', '-').replaceAll('/', '_')
    return [
      [`${name}, shift ${shift}`, text],
      [`${name} for URLs, shift ${shift}`, forUrls],
    ] satisfies [string, string][]
  })
}

function redisPrinted(byte: number): string {
  const known = { 7: '\\a', 8: '\\b', 9: '\\t', 10: '\\n', 13: '\\r', 34: '\\"', 92: '\\\\' }[byte]
  if (known !== undefined) return known
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`
}

const caseMark = ' (any case)'
const anyCase = (encoding: string): string => encoding + caseMark

interface Index {
  /** By the first three bytes: whether any pattern begins so. */
  readonly begins: Uint8Array
  readonly byBeginning: ReadonlyMap<number, readonly Pattern[]>
}

function indexed(patterns: readonly Pattern[]): { exact: Index; lower: Index } {
  const of = (some: readonly Pattern[]): Index => {
    const begins = new Uint8Array(1 << 24)
    const byBeginning = new Map<number, Pattern[]>()
    for (const pattern of some) {
      const beginning = beginningAt(pattern.bytes, 0)
      begins[beginning] = 1
      byBeginning.set(beginning, [...(byBeginning.get(beginning) ?? []), pattern])
    }
    return { begins, byBeginning }
  }
  return {
    exact: of(patterns.filter(({ encoding }) => !encoding.endsWith(caseMark))),
    lower: of(patterns.filter(({ encoding }) => encoding.endsWith(caseMark))),
  }
}

function scan(index: { exact: Index; lower: Index }, haystack: Haystack, found: FoundSecret[]): void {
  scanFor(index.exact, haystack.name, haystack.bytes, found)
  scanFor(index.lower, haystack.name, lowered(haystack.bytes), found)
}

function scanFor(index: Index, name: string, bytes: Uint8Array, found: FoundSecret[]): void {
  const { begins, byBeginning } = index
  const end = bytes.length - 3
  for (let at = 0; at <= end && found.length < maxFound; at++) {
    const beginning = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!
    if (begins[beginning] === 0) continue
    for (const pattern of byBeginning.get(beginning) ?? []) {
      if (standsAt(pattern.bytes, bytes, at)) {
        found.push({ needle: pattern.needle, encoding: pattern.encoding, haystack: name, at })
      }
    }
  }
}

function beginningAt(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!
}

function standsAt(pattern: Uint8Array, bytes: Uint8Array, at: number): boolean {
  if (at + pattern.length > bytes.length) return false
  for (let index = 3; index < pattern.length; index++) if (pattern[index] !== bytes[at + index]) return false
  return true
}

function lowered(bytes: Uint8Array): Uint8Array {
  const lower = new Uint8Array(bytes.length)
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!
    lower[at] = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte
  }
  return lower
}
