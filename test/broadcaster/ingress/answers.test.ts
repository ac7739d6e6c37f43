import { randomBytes } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { type ErrorName, wireError } from '@veilcast/shared/errors'
import type { SenderTag } from '@veilcast/shared/mixnet'
import { newRequestId, type ReplyBody, type TxState, type Until } from '@veilcast/shared/protocol'
import { createAskers, maxAskersPerTransaction } from '../../../broadcaster/dist/ingress/askers.js'
import type { Replier } from '../../../broadcaster/dist/ingress/replier.js'
import { createTellAskers } from '../../../broadcaster/dist/ingress/tellAskers.js'
import { sealDetail } from '../../../broadcaster/dist/store/stateOf.js'
import type { RecordState, TxKey, TxRecord, TxStore } from '../../../broadcaster/dist/store/TxStore.js'
import { createVault } from '../../../broadcaster/dist/store/vault.js'

/** One sender, by one Nym client. */
const path = { tag: 'tag' as SenderTag, listener: { reply: async () => {} } }

/** One record that moves on, an ingress' memory of who asked, and a replier that notes what it was given to send. */
function ingress() {
  const vault = createVault(randomBytes(32))
  const key = 'a'.repeat(26) as TxKey
  const base = {
    key,
    txId: vault.seal(randomBytes(32), key, 'txId'),
    number: 1,
    state: 'held',
    detail: null,
  } as unknown as TxRecord
  let record = base
  const sent: { stage: string; number: number }[] = []
  const replier: Pick<Replier, 'reply'> = {
    reply(to, body: ReplyBody, number = 0) {
      if (to.credit < 1 || body.kind !== 'state') return 0
      sent.push({ stage: body.state.stage, number })
      return 1
    },
  }
  const askers = createAskers()
  const tell = createTellAskers({
    askers,
    records: { get: async () => record, durability: 'fsync' } as unknown as TxStore,
    vault,
    replier: replier as Replier,
  })
  const inclusion = {
    family: 'cosmos',
    height: 7n,
    blockHash: new Uint8Array(32),
    code: 0,
    codespace: '',
    gasWanted: 1n,
    gasUsed: 1n,
  } as const
  const id = newRequestId()

  const register = (until: Until, surbs: number, everyStage = false, requestId = id) =>
    askers.register({
      id: requestId,
      path,
      key,
      until,
      everyStage,
      surbs,
      nowMs: Date.now(),
    })

  return {
    askers,
    sent,
    id,
    register,
    answer: tell.answer,
    async ask(until: Until, surbs: number, everyStage = false, requestId = id) {
      const asker = register(until, surbs, everyStage, requestId)
      if (typeof asker !== 'string') await tell.answer(asker)
      return asker
    },
    /** Handed to another endpoint, which says what the one before it said, or something else. */
    async rejectedFor(name: ErrorName) {
      const detail: TxState = { stage: 'submitted', rejection: wireError(name) }
      record = {
        ...base,
        state: 'exposed',
        number: record.number + 1,
        detail: sealDetail(detail, base, vault),
      }
      await tell.news(key)
    },
    async moveTo(state: Extract<RecordState, 'exposed' | 'included' | 'final'>) {
      record = { ...base, state, number: record.number + 1 }
      if (state !== 'exposed') {
        record = { ...record, detail: sealDetail({ stage: state, inclusion }, record, vault) }
      }
      await tell.news(key)
    },
  }
}

describe('what an asker is told', () => {
  it('default: accepted, then the stage that it waits for, and no more', async () => {
    const { ask, moveTo, sent, askers } = ingress()
    await ask('included', 3)
    await moveTo('exposed')
    await moveTo('included')
    await moveTo('final')
    expect(sent.map(({ stage }) => stage)).toEqual(['accepted', 'included'])
    expect(askers.size).toBe(0)
  })

  it('every stage, where its SURBs pay for them and one is left for the answer', async () => {
    const { ask, moveTo, sent } = ingress()
    await ask('final', 3, true)
    await moveTo('exposed')
    await moveTo('included')
    await moveTo('final')
    // The third SURB is the answer's: `included` would have taken it.
    expect(sent.map(({ stage }) => stage)).toEqual(['accepted', 'submitted', 'final'])
  })

  it('behavior: without a SURB nothing is sent, and a repetition that brings some is answered at once', async () => {
    const { ask, moveTo, sent } = ingress()
    await ask('included', 1)
    await moveTo('included')
    expect(sent.map(({ stage }) => stage)).toEqual(['accepted'])
    await ask('included', 2)
    expect(sent.map(({ stage }) => stage)).toEqual(['accepted', 'included'])
  })

  it('behavior: each repetition is answered at once, though there is nothing new', async () => {
    const { ask, moveTo, sent } = ingress()
    for (let times = 0; times < 3; times++) await ask('included', 2)
    expect(sent).toEqual(Array(3).fill({ stage: 'accepted', number: 1 }))
    await moveTo('included')
    expect(sent.slice(3)).toEqual([{ stage: 'included', number: 2 }])
  })

  it('behavior: numbers rise, and the same state is not told twice', async () => {
    const { ask, moveTo, sent } = ingress()
    await ask('final', 9, true)
    await moveTo('included')
    await moveTo('included')
    await moveTo('final')
    expect(sent.map(({ number }) => number)).toEqual([1, 2, 4])
  })

  it('behavior: the same rejection, rebroadcast after rebroadcast, costs one SURB, and another is told', async () => {
    const { ask, rejectedFor, moveTo, sent } = ingress()
    await ask('final', 4)
    for (let times = 0; times < 5; times++) await rejectedFor('insufficientFunds')
    await rejectedFor('feeTooLow')
    await moveTo('final')
    expect(sent).toEqual([
      { stage: 'accepted', number: 1 },
      { stage: 'submitted', number: 2 },
      { stage: 'submitted', number: 7 },
      { stage: 'final', number: 8 },
    ])
  })

  it('behavior: a repetition is told the same rejection again', async () => {
    const { ask, rejectedFor, sent } = ingress()
    await ask('final', 3)
    await rejectedFor('insufficientFunds')
    await ask('final', 2)
    expect(sent.map(({ stage }) => stage)).toEqual(['accepted', 'submitted', 'submitted'])
  })

  it('behavior: a change between registration and answer is told once, by the answer', async () => {
    const { register, answer, moveTo, sent } = ingress()
    const asker = register('included', 3, true)
    await moveTo('exposed')
    expect(sent).toEqual([])
    if (typeof asker !== 'string') await answer(asker)
    expect(sent).toEqual([{ stage: 'submitted', number: 2 }])
  })

  it('behavior: a request id stands for one transaction', async () => {
    const { ask, askers, id } = ingress()
    await ask('final', 2)
    const reused = askers.register({
      id,
      path,
      key: 'b'.repeat(26) as TxKey,
      until: 'final',
      everyStage: false,
      surbs: 1,
      nowMs: Date.now(),
    })
    expect(reused).toBe('reused')
  })

  it('behavior: askers of one transaction are bounded', async () => {
    const { ask } = ingress()
    for (let count = 0; count < maxAskersPerTransaction; count++) {
      expect(await ask('final', 1, false, newRequestId())).not.toBe('full')
    }
    expect(await ask('final', 1, false, newRequestId())).toBe('full')
  })
})
