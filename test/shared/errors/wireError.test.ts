import { describe, expect, it } from '@jest/globals'
import { catalogue, type ErrorName, type ErrorRow, fromWireError, wireError } from '@veilcast/shared/errors'
import { decodeReply, encodeReply, newRequestId } from '@veilcast/shared/protocol'

const maxU64 = (1n << 64n) - 1n
const rows = Object.entries(catalogue) as [ErrorName, ErrorRow][]
const travelling = rows.filter(([, { number }]) => number < 1000)

describe('wireError', () => {
  it.each(travelling)('%s crosses the wire and is the same on the other side', (name, row) => {
    const values = Object.fromEntries(row.values.map((value, index) => [value, BigInt(index + 1)]))
    const sent = wireError(name, values, { outcome: 'unknown', label: 'sdk' })
    expect(fromWireError(crossTheWire(sent))).toMatchObject({
      errorName: name,
      outcome: 'unknown',
      values,
      label: 'sdk',
    })
  })

  it('default: outcome of the row, values in its order, no label', () => {
    expect(wireError('nonceUsed', { got: 7, expected: 8 })).toEqual({
      number: 61,
      outcome: 'notSent',
      values: [8n, 7n],
      label: '',
    })
  })

  it('behavior: clamps what a chain may have made up, so that it can always be encoded', () => {
    const wild = wireError(
      'wrongChainId',
      { expected: -1n, got: 1n << 200n },
      { label: `a b\n\u00e9${'x'.repeat(50)}` },
    )
    expect(wild).toMatchObject({ values: [0n, maxU64], label: `ab${'x'.repeat(30)}` })
    expect(crossTheWire(wild)).toEqual(wild)
    const odd = wireError('wrongChainId', { expected: Number.NaN, got: 2.5 })
    expect(odd.values).toEqual([0n, 2n])
  })
})

describe('fromWireError', () => {
  it.each([0, 998, 0xffff])(
    'behavior: number %i is not known: internal, with the outcome that came along',
    (number) => {
      const error = fromWireError({ number, outcome: 'notSent', values: [1n], label: 'x' })
      expect(error).toMatchObject({ errorName: 'internal', outcome: 'notSent' })
      expect(error.details).toContain(String(number))
    },
  )

  it("behavior: a broadcaster cannot speak with the client's own numbers", () => {
    const { number } = catalogue.abortedBeforeSending
    expect(fromWireError({ number, outcome: 'unknown', values: [], label: '' }).errorName).toBe('internal')
  })

  it('behavior: too few values are 0, too many are left out', () => {
    expect(fromWireError({ number: 61, outcome: 'notSent', values: [8n], label: '' }).values).toEqual({
      expected: 8n,
      got: 0n,
    })
    expect(fromWireError({ number: 6, outcome: 'notSent', values: [1n, 2n, 3n], label: '' }).values).toEqual({
      retryAfterMs: 1n,
    })
  })
})

function crossTheWire(error: ReturnType<typeof wireError>) {
  const reply = { id: newRequestId(), incarnation: new Uint8Array(8), number: 0 }
  const { body } = decodeReply(encodeReply({ ...reply, body: { kind: 'failure', error } }))
  if (body.kind !== 'failure') throw new Error(`A ${body.kind} came back.`)
  return body.error
}
