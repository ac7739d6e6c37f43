import { deflateRawSync } from 'node:zlib'
import { describe, expect, it } from '@jest/globals'
import { maxMessageBytes } from '@veilcast/shared/protocol'
import fc from 'fast-check'
import { unpackAnswers } from '../../client/dist/unpackAnswers.js'
import { bytesOf, inJson, protocolVectors } from '../support/protocolVectors.ts'

const unpack = (packing: 'plain' | 'deflate', answers: Uint8Array) =>
  unpackAnswers({ kind: 'results', packing, answers })

describe('unpackAnswers', () => {
  it.each(protocolVectors.answers)('default: $name', async (vector) => {
    expect(inJson(await unpack(vector.packing, bytesOf(vector)))).toEqual(vector.message)
  })

  it.each(protocolVectors.badAnswers)('error: $name', async (vector) => {
    await expect(unpack(vector.packing, bytesOf(vector))).rejects.toMatchObject({
      errorName: 'readFailed',
      outcome: 'notSent',
    })
  })

  it('behavior: stops where a message would be too long, however far the rest swells', async () => {
    const bomb = Uint8Array.from(deflateRawSync(Buffer.alloc(256 * maxMessageBytes)))
    expect(bomb.length).toBeLessThan(maxMessageBytes)
    const before = process.memoryUsage().arrayBuffers
    let most = 0
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage().arrayBuffers - before)
    }, 1)
    const started = process.cpuUsage()
    await expect(unpack('deflate', bomb)).rejects.toMatchObject({ errorName: 'readFailed' })
    clearInterval(watch)
    expect(most).toBeLessThan(64 * maxMessageBytes)
    expect(process.cpuUsage(started).user).toBeLessThan(10_000_000)
  })

  it('property: random bytes are refused, or are what they say', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('plain' as const, 'deflate' as const),
        fc.uint8Array({ maxLength: 200 }),
        async (packing, bytes) => {
          await unpack(packing, bytes).catch((error) => expect(error.errorName).toBe('readFailed'))
        },
      ),
      { numRuns: 300 },
    )
  })
})
