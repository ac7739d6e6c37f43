import { describe, expect, it } from '@jest/globals'
import { createOwnTransactions, type OwnTransaction } from '../../../client/dist/evm/ownTransactions.js'

const from = `0x${'11'.repeat(20)}` as const

function transaction(nonce: number, stage: OwnTransaction['stage']): OwnTransaction {
  return {
    hash: `0x${nonce.toString(16).padStart(64, '0')}`,
    decoded: { from, nonce: BigInt(nonce), json: {} },
    stage,
    error: undefined,
    submitted: Promise.resolve(),
    settled: Promise.resolve(),
    superseded: undefined,
    supersede: () => {},
  }
}

describe('ownTransactions', () => {
  it('default: keeps 256, and lets go first of those that are not on their way', () => {
    const own = createOwnTransactions()
    const all = Array.from({ length: 258 }, (_, nonce) =>
      transaction(nonce, nonce === 1 ? 'included' : 'submitted'),
    )
    for (const one of all) own.put(one)
    const kept = all.map(({ hash }) => own.get(hash) !== undefined)
    expect(kept.slice(0, 4)).toEqual([false, false, true, true])
    expect(kept.slice(2).every(Boolean)).toBe(true)
  })

  it('behavior: the next nonce is above the highest that is held', () => {
    const own = createOwnTransactions()
    expect(own.nextNonce(from)).toBeUndefined()
    for (const one of [transaction(5, 'submitted'), transaction(3, 'included'), transaction(9, 'ended')])
      own.put(one)
    expect(own.nextNonce(from)).toBe(6n)
    expect(own.nextNonce(`0x${'22'.repeat(20)}`)).toBeUndefined()
  })
})
