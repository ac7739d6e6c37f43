import { createHash } from 'node:crypto'
import { type TxState, toTxId, txState } from '@veilcast/shared/protocol'
import { stateOf } from '../store/stateOf.ts'
import type { TxKey, TxRecord, TxStore } from '../store/TxStore.ts'
import type { Vault } from '../store/vault.ts'
import type { Asker, Askers } from './askers.ts'
import type { Replier } from './replier.ts'

export interface TellAskers {
  /** Answers a request that has just come (again): once, with the state as it is now. */
  answer(asker: Asker): Promise<void>
  /** The same for one who is `answering` since before this record was read. */
  answerWith(asker: Asker, record: TxRecord): void
  /** Reads the record and tells whoever wanted to hear of what it says now. */
  news(key: TxKey): Promise<void>
}

export function createTellAskers(parts: {
  readonly askers: Askers
  readonly records: TxStore
  readonly vault: Vault
  readonly replier: Replier
}): TellAskers {
  const { askers, records, vault, replier } = parts

  function tell(asker: Asker, record: TxRecord, state: TxState): void {
    const digest = createHash('sha256').update(txState.encode(state)).digest('base64')
    if (digest === asker.toldState) {
      // Handed to another endpoint, say: each reply costs the wallet one it may need for the end.
      asker.toldNumber = record.number
      return
    }
    const txId = toTxId(vault.open(record.txId, record.key, 'txId'))
    const spent = replier.reply(asker, { kind: 'state', txId, state }, record.number)
    if (spent === 0) return
    asker.credit -= spent
    asker.toldNumber = record.number
    asker.toldState = digest
    if (isAnswer(state, asker.until)) askers.drop(asker)
  }

  function answerWith(asker: Asker, record: TxRecord): void {
    if (record.number > asker.toldNumber) tell(asker, record, stateOf(record, vault, records.durability))
  }

  return {
    async answer(asker) {
      // From here on news are told too: whoever reads the record first tells, and the other finds it told.
      asker.answering = true
      const record = await records.get(asker.key).catch((error: unknown) => {
        asker.answering = false
        throw error
      })
      if (record !== null) answerWith(asker, record)
    },
    answerWith,
    async news(key) {
      const waiting = askers.of(key)
      if (waiting.length === 0) return
      const record = await records.get(key)
      if (record === null) return
      const state = stateOf(record, vault, records.durability)
      for (const asker of waiting) {
        if (!asker.answering || record.number <= asker.toldNumber) continue
        if (wants(asker, state)) tell(asker, record, state)
      }
    },
  }
}

/** The last SURB is kept for the answer; a stage on the way costs one only where one more is left. */
function wants(asker: Asker, state: TxState): boolean {
  if (isAnswer(state, asker.until) || isRejection(state)) return asker.credit >= 1
  return asker.everyStage && asker.credit >= 2
}

/** Nothing more will be told after it. */
function isAnswer(state: TxState, until: Asker['until']): boolean {
  switch (state.stage) {
    case 'accepted':
    case 'submitted':
      return until === 'accepted'
    case 'included':
      return until !== 'final'
    default:
      return true
  }
}

/** The wallet is told at once what an endpoint has against it; it may land all the same, so the asker stays. */
function isRejection(state: TxState): boolean {
  return state.stage === 'submitted' && state.rejection !== undefined
}
