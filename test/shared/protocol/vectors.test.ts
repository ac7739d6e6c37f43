import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { inflateRawSync } from 'node:zlib'
import { describe, expect, it } from '@jest/globals'
import { catalogue } from '@veilcast/shared/errors'
import {
  decodeReadAnswers,
  decodeReply,
  decodeRequest,
  encodeReadAnswers,
  encodeReply,
  encodeRequest,
  ProtocolError,
  type Reply,
} from '@veilcast/shared/protocol'
import {
  type BadVector,
  bytesOf,
  inJson,
  protocolVectors,
  toHex,
  vectorsFolder,
} from '../../support/protocolVectors.ts'

const hasPython = spawnSync('python3', ['--version']).status === 0
const python = hasPython ? it : it.skip
const needed = hasPython ? '' : ' (no python3 on the PATH)'

describe('golden vectors', () => {
  it.each(protocolVectors.requests)('request: $name', (vector) => {
    const bytes = bytesOf(vector)
    const message = decodeRequest(bytes)
    expect(inJson(message)).toEqual(vector.message)
    expect(Buffer.compare(encodeRequest(message), bytes)).toBe(0)
  })

  it.each(protocolVectors.replies)('reply: $name', (vector) => {
    const bytes = bytesOf(vector)
    const message = decodeReply(bytes)
    expect(inJson(message)).toEqual(vector.message)
    expect(Buffer.compare(encodeReply(message), bytes)).toBe(0)
  })

  it.each(protocolVectors.badRequests)('refused request: $name', (vector) => {
    const error = refusal(() => decodeRequest(bytesOf(vector)))
    expect(factsOf(error)).toEqual(expected(vector))
    expect(error.surbs).toBe(vector.surbs)
  })

  it.each(protocolVectors.badReplies)('refused reply: $name', (vector) => {
    expect(factsOf(refusal(() => decodeReply(bytesOf(vector))))).toEqual(expected(vector))
  })

  it.each(protocolVectors.answers)('answers: $name', (vector) => {
    const packed = bytesOf(vector)
    const bytes = vector.packing === 'plain' ? packed : inflateRawSync(packed)
    const message = decodeReadAnswers(bytes)
    expect(inJson(message)).toEqual(vector.message)
    expect(Buffer.compare(encodeReadAnswers(message), bytes)).toBe(0)
  })

  it.each(protocolVectors.badAnswers.filter(({ packing }) => packing === 'plain'))(
    'refused answers: $name',
    (vector) => {
      expect(() => decodeReadAnswers(bytesOf(vector))).toThrow(RangeError)
    },
  )

  it('holds every error number that travels', () => {
    const replies = protocolVectors.replies.map((vector) => decodeReply(bytesOf(vector)))
    const numbers = new Set(replies.map(failureNumber))
    const missing = Object.values(catalogue).filter(({ number }) => number < 1000 && !numbers.has(number))
    expect(missing).toEqual([])
  })

  it('stands in SPEC.md, byte by byte', () => {
    const spec = readFileSync(resolve(__dirname, '../../../shared/protocol/SPEC.md'), 'utf8')
    const blocks = spec.split('## 11. Examples')[1]?.match(/(?:^ {4}.*\n)+/gm) ?? []
    const hex = blocks.map((block) =>
      [...block.matchAll(/^ {4}((?:[0-9a-f]{2}| (?! ))+)/gm)].map(([, line]) => line).join(''),
    )
    const [submit] = protocolVectors.requests.filter(({ name }) => name === 'submit')
    const [included] = protocolVectors.replies.filter(({ name }) => name === 'state included: evm')
    expect(hex.map((line) => line.replaceAll(' ', ''))).toEqual([submit?.hex, included?.hex])
  })

  python(`are read alike by the decoder that was written from SPEC.md alone${needed}`, () => {
    const run = spawnSync('python3', [resolve(vectorsFolder, 'decode.py')], {
      input: JSON.stringify(protocolVectors),
      encoding: 'utf8',
      maxBuffer: 16_000_000,
    })
    expect(run.stderr).toBe('')
    const seen = run.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).got)
    const { requests, badRequests, replies, badReplies, answers, badAnswers } = protocolVectors
    expect(seen).toEqual([
      ...requests.map(({ message }) => message),
      ...badRequests.map(({ error }) => ({ error })),
      ...replies.map(({ message }) => message),
      ...badReplies.map(({ error }) => ({ error })),
      ...answers.map(({ message }) => message),
      ...badAnswers.map(({ error }) => ({ error })),
    ])
  })
})

function refusal(decode: () => unknown): ProtocolError {
  try {
    decode()
  } catch (error) {
    if (error instanceof ProtocolError) return error
    throw error
  }
  throw new Error('It was decoded.')
}

function factsOf({ kind, id }: ProtocolError) {
  return { error: kind, id: id ? toHex(id) : null }
}

function expected({ error, id }: BadVector) {
  return { error, id }
}

function failureNumber({ body }: Reply): number | undefined {
  return body.kind === 'failure' ? body.error.number : undefined
}
