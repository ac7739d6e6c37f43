import type { Inclusion, Progress, TxState } from '@veilcast/client'
import type { Transfer } from './Transfer.ts'

/** A transfer after one more word about it. */
export function hearProgress(transfer: Transfer, progress: Progress, atMs: number): Transfer {
  const { stage, state, txId, requestId, broadcaster, messages } = progress
  const heard = {
    ...transfer,
    messages,
    broadcaster,
    txId: txId ?? transfer.txId,
    requestId: requestId || transfer.requestId,
  }
  if (stage === 'sending') return heard
  if (stage === 'repeating' || stage === 'failover') return { ...heard, repeated: transfer.repeated + 1 }
  const inclusion = state && inclusionOf(state)
  // A block that was reorganised away takes its stage with it.
  const earlier = transfer.stages.filter((other) => other.stage !== stage && rank(other.stage) < rank(stage))
  const known = transfer.stages.find((other) => other.stage === stage)
  return {
    ...heard,
    stages: [...earlier, known ?? { stage, atMs }],
    height: inclusion?.height.toString(),
    ok: inclusion && (inclusion.family === 'evm' ? inclusion.ok : inclusion.code === 0),
  }
}

const order = ['accepted', 'submitted', 'included', 'final']

function rank(stage: string): number {
  const index = order.indexOf(stage)
  return index < 0 ? order.length : index
}

function inclusionOf(state: TxState): Inclusion | undefined {
  return 'inclusion' in state ? state.inclusion : undefined
}
