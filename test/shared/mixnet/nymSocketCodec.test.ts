import { describe, expect, it } from '@jest/globals'
import { base58 } from '@scure/base'
import { type MixnetAddress, maxPayloadBytes, parseAddress, type SenderTag } from '@veilcast/shared/mixnet'
import fc from 'fast-check'
import {
  decodeFrame,
  encodeLaneQueueLength,
  encodeReply,
  encodeRequest,
  encodeSelfAddress,
} from '../../../shared/dist/mixnet/nymSocket/codec.js'

const key = (byte: number) => new Uint8Array(32).fill(byte)
const address = parseAddress(`${base58.encode(key(1))}.${base58.encode(key(2))}@${base58.encode(key(3))}`)
const recipient = '01'.repeat(32) + '02'.repeat(32) + '03'.repeat(32)
const tag = base58.encode(new Uint8Array(16).fill(0xab)) as SenderTag
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const bytes = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))

describe('the frames of the native client', () => {
  it('golden: what we say', () => {
    const payload = Uint8Array.of(0xca, 0xfe)
    const tail = '00000000000000010000000000000002cafe'
    expect(hex(encodeRequest(address, payload, 0))).toBe(`00${recipient}${tail}`)
    expect(hex(encodeRequest(address, payload, 50))).toBe(`0100000032${recipient}${tail}`)
    expect(hex(encodeReply(tag, payload))).toBe(`02${'ab'.repeat(16)}${tail}`)
    expect(hex(encodeSelfAddress())).toBe('03')
    expect(hex(encodeLaneQueueLength())).toBe('050000000000000001')
  })

  it('golden: what we hear', () => {
    const payload = Uint8Array.of(0xca, 0xfe)
    expect(decodeFrame(bytes('01 00 0000000000000002 cafe'))).toEqual({ kind: 'received', payload })
    expect(decodeFrame(bytes(`01 01 ${'ab'.repeat(16)} 0000000000000002 cafe`))).toEqual({
      kind: 'received',
      payload,
      replyTo: tag,
    })
    expect(decodeFrame(bytes(`02 ${recipient}`))).toEqual({ kind: 'selfAddress', address })
    expect(decodeFrame(bytes(`03 ${'00'.repeat(8)} 0000000000000102`))).toEqual({
      kind: 'laneQueueLength',
      packets: 258,
    })
    expect(decodeFrame(bytes('00 03 0000000000000002 6869'))).toEqual({ kind: 'error' })
  })

  it('refuses lengths that lie and payloads beyond the limit', () => {
    expect(decodeFrame(bytes('01 00 0000000000000003 cafe'))).toBeUndefined()
    expect(decodeFrame(bytes('01 00 ffffffffffffffff cafe'))).toBeUndefined()
    expect(decodeFrame(bytes('01 02 0000000000000002 cafe'))).toBeUndefined()
    expect(decodeFrame(bytes(`02 ${recipient}00`))).toBeUndefined()
    const huge = new Uint8Array(10 + maxPayloadBytes + 1)
    huge[0] = 1
    new DataView(huge.buffer).setBigUint64(2, BigInt(maxPayloadBytes + 1))
    expect(decodeFrame(huge)).toBeUndefined()
  })

  it('property: any bytes are a frame or none, and never an exception', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 0, max: 4 }), (body, kind) => {
        const frame = decodeFrame(Uint8Array.of(kind, ...body))
        return frame === undefined || typeof frame.kind === 'string'
      }),
    )
  })

  it('property: a request names its recipient wherever the keys begin with zeros', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { minLength: 3, maxLength: 3 }),
        (keys) => {
          const [a, b, c] = keys.map((bytes) => base58.encode(bytes))
          const frame = encodeRequest(`${a}.${b}@${c}` as MixnetAddress, new Uint8Array(), 0)
          return hex(frame.subarray(1, 97)) === keys.map(hex).join('')
        },
      ),
    )
  })
})
