/**
 * What the fields of a message are written and read with. Integers are big-endian and unsigned. A reader never goes, and
 * never allocates, beyond the bytes that it was given; a writer refuses what a reader would not give back.
 */
export interface Coder<T> {
  write(to: Writer, value: T): void
  read(from: Reader): T
}

const firstBufferBytes = 256

export class Writer {
  #bytes = new Uint8Array(firstBufferBytes)
  #view = new DataView(this.#bytes.buffer)
  #length = 0

  u8(value: number): void {
    const at = this.#grow(1)
    this.#view.setUint8(at, upTo(0xff, value))
  }

  u16(value: number): void {
    const at = this.#grow(2)
    this.#view.setUint16(at, upTo(0xffff, value))
  }

  u32(value: number): void {
    const at = this.#grow(4)
    this.#view.setUint32(at, upTo(0xffff_ffff, value))
  }

  u64(value: bigint): void {
    const at = this.#grow(8)
    this.#view.setBigUint64(at, bits(64, value))
  }

  bytes(bytes: Uint8Array): void {
    const at = this.#grow(bytes.length)
    this.#bytes.set(bytes, at)
  }

  /** What was written, in an array of its own. */
  written(): Uint8Array {
    return this.#bytes.slice(0, this.#length)
  }

  /** Makes room, and gives where it begins. The buffer may be another one afterwards. */
  #grow(bytes: number): number {
    const from = this.#length
    this.#length += bytes
    if (this.#length > this.#bytes.length) {
      const longer = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length))
      longer.set(this.#bytes.subarray(0, from))
      this.#bytes = longer
      this.#view = new DataView(longer.buffer)
    }
    return from
  }
}

export class Reader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1))
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2))
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4))
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8))
  }

  /** A view, not a copy. */
  bytes(length: number): Uint8Array {
    const from = this.#take(length)
    return this.#bytes.subarray(from, from + length)
  }

  #take(length: number): number {
    const from = this.#at
    if (length > this.left) throw new RangeError('cut off')
    this.#at += length
    return from
  }
}

function upTo(max: number, value: number): number {
  if (!Number.isInteger(value) || value < 0 || value > max) {
    throw new RangeError(`not a whole number from 0 to ${max}`)
  }
  return value
}

function bits(count: 64 | 128, value: bigint): bigint {
  if (typeof value !== 'bigint' || value < 0n || value >> BigInt(count) !== 0n) {
    throw new RangeError(`not an unsigned bigint of ${count} bits`)
  }
  return value
}

export const u8: Coder<number> = { write: (to, value) => to.u8(value), read: (from) => from.u8() }
export const u16: Coder<number> = { write: (to, value) => to.u16(value), read: (from) => from.u16() }
export const u32: Coder<number> = { write: (to, value) => to.u32(value), read: (from) => from.u32() }
export const u64: Coder<bigint> = { write: (to, value) => to.u64(value), read: (from) => from.u64() }

export const u128: Coder<bigint> = {
  write(to, value) {
    to.u64(bits(128, value) >> 64n)
    to.u64(value & 0xffff_ffff_ffff_ffffn)
  },
  read: (from) => (from.u64() << 64n) | from.u64(),
}

/** A u8 that is 0 or 1. */
export const flag: Coder<boolean> = {
  write(to, value) {
    if (typeof value !== 'boolean') throw new RangeError('neither true nor false')
    to.u8(value ? 1 : 0)
  },
  read(from) {
    const value = from.u8()
    if (value > 1) throw new RangeError('neither true nor false')
    return value === 1
  },
}

/** A flag, and the value behind it where it is set. */
export function optional<T>(inner: Coder<T>): Coder<T | undefined> {
  return {
    write(to, value) {
      flag.write(to, value !== undefined)
      if (value !== undefined) inner.write(to, value)
    },
    read: (from) => (flag.read(from) ? inner.read(from) : undefined),
  }
}

/** Exactly so many bytes. */
export function fixedBytes<T extends Uint8Array = Uint8Array>(length: number): Coder<T> {
  return {
    write(to, bytes) {
      if (!(bytes instanceof Uint8Array) || bytes.length !== length)
        throw new RangeError(`not ${length} bytes`)
      to.bytes(bytes)
    },
    read: (from) => from.bytes(length) as T,
  }
}

/** A length prefix, then at most `maxBytes`. */
export function boundedBytes(length: Coder<number>, maxBytes: number): Coder<Uint8Array> {
  return {
    write(to, bytes) {
      length.write(to, atMost(bytes, maxBytes).length)
      to.bytes(bytes)
    },
    read(from) {
      const count = length.read(from)
      if (count > maxBytes) throw tooLong(maxBytes)
      return from.bytes(count)
    },
  }
}

/** All that is left of the message, at most `maxBytes`. */
export function restBytes(maxBytes: number): Coder<Uint8Array> {
  return {
    write: (to, bytes) => to.bytes(atMost(bytes, maxBytes)),
    read(from) {
      if (from.left > maxBytes) throw tooLong(maxBytes)
      return from.bytes(from.left)
    },
  }
}

function atMost(bytes: Uint8Array, maxBytes: number): Uint8Array {
  if (!(bytes instanceof Uint8Array)) throw new RangeError('no bytes')
  if (bytes.length > maxBytes) throw tooLong(maxBytes)
  return bytes
}

function tooLong(maxBytes: number): RangeError {
  return new RangeError(`longer than ${maxBytes} bytes`)
}

/** u8 length, then printable ASCII. */
export function shortText(maxBytes: number): Coder<string> {
  const counted = (length: number) => {
    if (length > maxBytes) throw tooLong(maxBytes)
    return length
  }
  const printable = (code: number) => {
    if (!(code >= 0x21 && code <= 0x7e)) throw new RangeError('not printable ASCII')
    return code
  }
  return {
    write(to, text) {
      if (typeof text !== 'string') throw new RangeError('no text')
      to.u8(counted(text.length))
      for (let index = 0; index < text.length; index++) to.u8(printable(text.charCodeAt(index)))
    },
    read(from) {
      let text = ''
      for (let left = counted(from.u8()); left > 0; left--) text += String.fromCharCode(printable(from.u8()))
      return text
    },
  }
}

/** One of a few words as a u8; any other number is refused. */
export function oneOf<const T extends readonly string[]>(words: T): Coder<T[number]> {
  return {
    write(to, word) {
      const index = words.indexOf(word)
      if (index < 0) throw new RangeError('unknown word')
      to.u8(index)
    },
    read(from) {
      const word = words[from.u8()]
      if (word === undefined) throw new RangeError('unknown number')
      return word
    },
  }
}

/** A u8 that counts, then so many, `min` to `max`. */
export function list<T>(item: Coder<T>, max: number, min = 0): Coder<readonly T[]> {
  const counted = (count: number) => {
    if (count < min || count > max) throw new RangeError(`not ${min} to ${max} of them`)
    return count
  }
  return {
    write(to, items) {
      if (!Array.isArray(items)) throw new RangeError('no list')
      to.u8(counted(items.length))
      for (const one of items) item.write(to, one)
    },
    read(from) {
      const items: T[] = []
      for (let left = counted(from.u8()); left > 0; left--) items.push(item.read(from))
      return items
    },
  }
}

type Fields<T> = { readonly [K in keyof T]-?: Coder<T[K]> }

/** The fields, one after the other. */
export function struct<T extends object>(fields: Fields<T>): Coder<T> {
  const parts = Object.entries(fields) as [keyof T, Coder<T[keyof T]>][]
  return {
    write(to, value) {
      for (const [name, field] of parts) field.write(to, value[name])
    },
    read(from) {
      const value: Partial<T> = {}
      for (const [name, field] of parts) value[name] = field.read(from)
      return value as T
    },
  }
}

type Variants<T extends Record<K, string>, K extends string> = {
  readonly [N in T[K]]: readonly [number: number, fields: Coder<Omit<Extract<T, Record<K, N>>, K>>]
}

/** A u8 that says which variant follows; in memory the variant's name stands in the field `key`, beside its fields. */
export function union<T extends Record<K, string>, K extends string>(
  key: K,
  variants: Variants<T, K>,
): Coder<T> {
  type Variant = [name: T[K], number: number, fields: Coder<unknown>]
  const parts = Object.entries<readonly [number, unknown]>(variants).map(
    ([name, [number, fields]]) => [name, number, fields] as Variant,
  )
  return {
    write(to, value) {
      const variant = parts.find(([name]) => name === value[key])
      if (!variant) throw new RangeError('unknown variant')
      to.u8(variant[1])
      variant[2].write(to, value)
    },
    read(from) {
      const number = from.u8()
      const variant = parts.find(([, known]) => known === number)
      if (!variant) throw new RangeError('unknown variant')
      return Object.assign({ [key]: variant[0] }, variant[2].read(from)) as unknown as T
    },
  }
}

export interface Codec<T> {
  /** @throws RangeError where a field is out of its range */
  encode(value: T): Uint8Array
  /** @throws RangeError where the bytes are no such value, or go on after it */
  decode(bytes: Uint8Array): T
}

/** A value that has bytes of its own. */
export function whole<T>(coder: Coder<T>): Codec<T> {
  return {
    encode(value) {
      const writer = new Writer()
      coder.write(writer, value)
      return writer.written()
    },
    decode(bytes) {
      const reader = new Reader(bytes)
      const value = coder.read(reader)
      if (reader.left > 0) throw new RangeError('trailing bytes')
      return value
    },
  }
}
