import { describe, expect, it } from '@jest/globals'
import { findVeilcastError, VeilcastError } from '@veilcast/shared/errors'

describe('VeilcastError', () => {
  it('default: answers what happened, whether it could still land, and what to do', () => {
    const cause = new Error('socket closed')
    const error = new VeilcastError('replyTimeout', {
      values: { waitedMs: 30_000 },
      details: 'Three tries.',
      cause,
    })
    expect(error).toMatchObject({
      name: 'ReplyTimeoutError',
      errorName: 'replyTimeout',
      number: 1001,
      code: -32002,
      outcome: 'unknown',
      retry: 'sameRequest',
      shortMessage: 'No answer came within 30000 ms.',
      details: 'Three tries.',
      docsPath: 'docs/errors.md#replytimeout',
      values: { waitedMs: 30_000n },
      cause,
    })
    expect(error.message.split('\n')).toEqual([
      error.shortMessage,
      'Three tries.',
      'Ask again: submit the same signed transaction, or ask for its status, and never sign another one before.',
      'Outcome: unknown. Retry: sameRequest.',
    ])
    expect(error).toBeInstanceOf(Error)
  })

  it('args: an outcome that is better known wins', () => {
    const error = new VeilcastError('lapsed', { outcome: 'unknown' })
    expect(error.outcome).toBe('unknown')
    expect(error.message).toContain('Outcome: unknown.')
  })

  it('behavior: what is usually notSent and is not this time says so before it says what to do', () => {
    const warning = 'It may still land: ask for its status before you sign another one.'
    const { metaMessages } = new VeilcastError('feeTooLow', { outcome: 'unknown' })
    expect(metaMessages.slice(0, 2)).toEqual([
      warning,
      'Sign again with a higher fee, or wait for a lower base fee.',
    ])
    expect(new VeilcastError('feeTooLow').message).not.toContain(warning)
    expect(new VeilcastError('feeTooLow', { outcome: 'onChain' }).message).not.toContain(warning)
  })

  it('args: a label is shown, and leaves no gap where there is none', () => {
    const values = { code: 5 }
    expect(new VeilcastError('endpointRejected', { values, label: 'sdk' }).shortMessage).toContain(
      '(code 5 sdk)',
    )
    expect(new VeilcastError('endpointRejected', { values }).shortMessage).toContain('(code 5)')
  })

  it('behavior: text in a label is not expanded again', () => {
    const error = new VeilcastError('endpointRejected', { values: { code: 5 }, label: '{code}' })
    expect(error.shortMessage).toContain('(code 5 {code})')
  })

  it.each([
    { given: 1.9, shown: 1n },
    { given: -3, shown: 0n },
    { given: Number.NaN, shown: 0n },
    { given: Number.POSITIVE_INFINITY, shown: (1n << 64n) - 1n },
    { given: Number.NEGATIVE_INFINITY, shown: 0n },
    { given: 1n << 64n, shown: (1n << 64n) - 1n },
    { given: -1n, shown: 0n },
  ])('behavior: takes $given as $shown, rather than fail while an error is told', ({ given, shown }) => {
    expect(new VeilcastError('busy', { values: { retryAfterMs: given } }).values).toEqual({
      retryAfterMs: shown,
    })
  })

  it('behavior: a value that was not given is 0, one of another name is left out', () => {
    expect(new VeilcastError('wrongChainId', { values: { got: 5, other: 1 } }).values).toEqual({
      expected: 0n,
      got: 5n,
    })
  })
})

describe('walk', () => {
  const inner = new Error('inner')
  const middle = new TypeError('middle', { cause: inner })
  const error = new VeilcastError('internal', { cause: middle })

  it('default: the innermost', () => {
    expect(error.walk()).toBe(inner)
    expect(new VeilcastError('internal').walk()).toBeInstanceOf(VeilcastError)
  })

  it('args: the first that fits, itself included, or null', () => {
    expect(error.walk((each) => each instanceof TypeError)).toBe(middle)
    expect(error.walk((each) => each instanceof VeilcastError)).toBe(error)
    expect(error.walk((each) => each instanceof RangeError)).toBeNull()
  })

  it('behavior: a ring of causes ends', () => {
    const ring = new VeilcastError('internal')
    Object.assign(ring, { cause: ring })
    expect(ring.walk()).toBe(ring)
    expect(ring.walk(() => false)).toBeNull()
  })
})

describe('findVeilcastError', () => {
  const error = new VeilcastError('busy')

  it('default: finds it under what others wrapped around it', () => {
    expect(findVeilcastError(error)).toBe(error)
    expect(findVeilcastError(new Error('a', { cause: new Error('b', { cause: error }) }))).toBe(error)
  })

  it('behavior: through a wrapper that is no Error', () => {
    expect(findVeilcastError({ message: 'rpc', cause: error })).toBe(error)
  })

  it.each([undefined, null, 'text', 7, new Error('other'), { cause: null }])(
    'behavior: nothing in %p',
    (other) => {
      expect(findVeilcastError(other)).toBeUndefined()
    },
  )
})
