import { describe, expect, it } from '@jest/globals'
import {
  decodeReadAnswers,
  decodeReply,
  decodeRequest,
  encodeReadAnswers,
  encodeReply,
  encodeRequest,
  ProtocolError,
} from '@veilcast/shared/protocol'
import fc from 'fast-check'
import { anyReadAnswers, anyReply, anyRequest } from '../../support/protocolMessages.ts'
import { bytesOf, protocolVectors } from '../../support/protocolVectors.ts'

const recodeRequest = (bytes: Uint8Array) => encodeRequest(decodeRequest(bytes))
const recodeReply = (bytes: Uint8Array) => encodeReply(decodeReply(bytes))

const recodeAnswers = (bytes: Uint8Array) => encodeReadAnswers(decodeReadAnswers(bytes))

const directions = [
  { direction: 'request', recode: recodeRequest, encoded: anyRequest.map(encodeRequest) },
  { direction: 'reply', recode: recodeReply, encoded: anyReply.map(encodeReply) },
  { direction: 'list of answers', recode: recodeAnswers, encoded: anyReadAnswers.map(encodeReadAnswers) },
]

describe('round trip', () => {
  it('request', () => {
    fc.assert(
      fc.property(anyRequest, (message) => {
        expect(decodeRequest(encodeRequest(message))).toEqual(message)
      }),
    )
  })

  it('reply', () => {
    fc.assert(
      fc.property(anyReply, (message) => {
        expect(decodeReply(encodeReply(message))).toEqual(message)
      }),
    )
  })
})

it('round trip of answers', () => {
  fc.assert(
    fc.property(anyReadAnswers, (message) => {
      expect(decodeReadAnswers(encodeReadAnswers(message))).toEqual(message)
    }),
  )
})

describe.each(directions)('hostile bytes as a $direction', ({ recode, encoded }) => {
  /** Either these bytes are refused with an error of ours, or they are the one encoding of what was read from them. */
  function survives(bytes: Uint8Array) {
    const once = refusedOr(() => recode(bytes))
    if (once !== undefined) expect(Buffer.compare(once, bytes)).toBe(0)
  }

  it('random bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), survives), { numRuns: 500 })
  })

  it('random bytes behind a true header', () => {
    fc.assert(
      fc.property(encoded, fc.uint8Array({ maxLength: 300 }), (bytes, rest) => {
        survives(Uint8Array.from([...bytes.subarray(0, 30), ...rest]))
        survives(Uint8Array.from([...bytes.subarray(0, 19), ...rest]))
      }),
      { numRuns: 500 },
    )
  })

  it('cut anywhere', () => {
    fc.assert(
      fc.property(encoded, (bytes) => {
        for (let length = 0; length < bytes.length; length++) survives(bytes.subarray(0, length))
      }),
      { numRuns: 30 },
    )
  })

  it('one bit flipped', () => {
    fc.assert(
      fc.property(encoded, fc.nat(), (bytes, where) => {
        const bit = where % (bytes.length * 8)
        const flipped = Uint8Array.from(bytes)
        flipped[bit >> 3]! ^= 1 << (bit & 7)
        survives(flipped)
      }),
      { numRuns: 1000 },
    )
  })

  it('any byte at its greatest', () => {
    fc.assert(
      fc.property(encoded, (bytes) => {
        for (let index = 0; index < Math.min(bytes.length, 200); index++) {
          const raised = Uint8Array.from(bytes)
          raised[index] = 255
          survives(raised)
        }
      }),
      { numRuns: 30 },
    )
  })
})

describe('behavior', () => {
  it('allocates nothing longer than the input, whatever lengths it names', () => {
    const { requests, replies, badRequests, badReplies } = protocolVectors
    const cases = [
      ...[...requests, ...badRequests].map((vector) => ({ bytes: bytesOf(vector), decode: decodeRequest })),
      ...[...replies, ...badReplies].map((vector) => ({ bytes: bytesOf(vector), decode: decodeReply })),
      ...[...protocolVectors.answers, ...protocolVectors.badAnswers].map((vector) => ({
        bytes: bytesOf(vector),
        decode: decodeReadAnswers,
      })),
    ]
    for (const { bytes, decode } of cases) {
      expect(longestAllocation(() => refusedOr(() => decode(bytes)))).toBeLessThanOrEqual(bytes.length)
    }
    expect(longestAllocation(() => encodeRequest(decodeRequest(bytesOf(requests[0]!))))).toBeGreaterThan(0)
  })

  it('hands no Buffer on, and an id that does not hold the message', () => {
    const bytes = Buffer.from(bytesOf(protocolVectors.requests[0]!))
    const { id, body } = decodeRequest(bytes)
    expect(Buffer.isBuffer(id)).toBe(false)
    expect(id.buffer.byteLength).toBe(16)
    expect(body.kind === 'submit' && Buffer.isBuffer(body.signedTx)).toBe(false)
  })

  it('reads a message that lies inside a longer buffer', () => {
    const bytes = bytesOf(protocolVectors.requests[0]!)
    const around = Uint8Array.from([9, 9, 9, ...bytes, 9, 9])
    expect(decodeRequest(around.subarray(3, 3 + bytes.length))).toEqual(decodeRequest(bytes))
  })

  it('says of bad bytes what kind of bad, and nothing of what they were', () => {
    const secret = Buffer.from('attack at dawn')
    const bytes = Uint8Array.from([...bytesOf(protocolVectors.requests[6]!), ...secret])
    expect(() => decodeRequest(bytes)).toThrow(new Error('Not a message of this protocol: malformedMessage.'))
  })
})

function refusedOr<T>(decode: () => T): T | undefined {
  try {
    return decode()
  } catch (error) {
    if (!(error instanceof ProtocolError || error instanceof RangeError)) throw error
    return undefined
  }
}

/** Length of the longest typed or plain array that is made by its length while `run` runs. */
function longestAllocation(run: () => unknown): number {
  const real = { Uint8Array, Array, ArrayBuffer }
  let longest = 0
  const watched = <T extends object>(type: T): T =>
    new Proxy(type, {
      construct(target, args, newTarget) {
        if (typeof args[0] === 'number') longest = Math.max(longest, args[0])
        return Reflect.construct(target as never, args, newTarget)
      },
    })
  Object.assign(globalThis, {
    Uint8Array: watched(real.Uint8Array),
    Array: watched(real.Array),
    ArrayBuffer: watched(real.ArrayBuffer),
  })
  try {
    run()
  } finally {
    Object.assign(globalThis, real)
  }
  return longest
}
