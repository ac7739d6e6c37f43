/** One field of a protobuf message, in the order in which it lies there. */
export interface Field {
  readonly number: number
  /** Of a length-delimited field its bytes; of a varint its value. */
  readonly value: Uint8Array | bigint
}

const varint = 0
const delimited = 2
/** Of one message: a transaction may hold many. */
const maxFields = 4_096

/** @throws RangeError for what is cut off, has other wire types, or has more fields than are read here */
export function readFields(bytes: Uint8Array): readonly Field[] {
  const fields: Field[] = []
  let at = 0
  const readVarint = (): bigint => {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at++]
      if (byte === undefined) break
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asUintN(64, value)
    }
    throw new RangeError('A varint is cut off.')
  }
  while (at < bytes.length) {
    const key = Number(readVarint())
    const wireType = key % 8
    if (fields.length === maxFields || (wireType !== varint && wireType !== delimited)) {
      throw new RangeError('This is no message that is read here.')
    }
    const number = Math.floor(key / 8)
    const value = readVarint()
    if (wireType === varint) fields.push({ number, value })
    else {
      const end = at + Number(value)
      if (end > bytes.length) throw new RangeError('A field is cut off.')
      fields.push({ number, value: bytes.subarray(at, end) })
      at = end
    }
  }
  return fields
}

export function writeFields(fields: readonly Field[]): Uint8Array {
  const bytes: number[] = []
  const writeVarint = (value: bigint) => {
    let rest = value
    for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
    bytes.push(Number(rest))
  }
  for (const { number, value } of fields) {
    const isVarint = typeof value === 'bigint'
    writeVarint(BigInt(number * 8 + (isVarint ? varint : delimited)))
    writeVarint(isVarint ? value : BigInt(value.length))
    if (!isVarint) bytes.push(...value)
  }
  return Uint8Array.from(bytes)
}

export function bytesOf(fields: readonly Field[], number: number): Uint8Array {
  const found = fields.findLast((field) => field.number === number)?.value
  return found instanceof Uint8Array ? found : new Uint8Array()
}

export function textOf(fields: readonly Field[], number: number): string {
  return new TextDecoder().decode(bytesOf(fields, number))
}

export function numberOf(fields: readonly Field[], number: number): bigint {
  const found = fields.findLast((field) => field.number === number)?.value
  return typeof found === 'bigint' ? found : 0n
}
