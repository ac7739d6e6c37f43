import { maxSurbsPerMessage, requestPackets } from '@veilcast/shared/mixnet'
import type { Until } from '@veilcast/shared/protocol'

/** Replies that a wallet waits for: `accepted`, which stops the repetition, the `until` stage, and those between if asked for. */
export function neededReplies(until: Until, everyStage: boolean): number {
  if (until === 'accepted') return 1
  if (!everyStage) return 2
  return until === 'included' ? 3 : 4
}

/** The SURBs that are needed, and those that ride free in the packets paid for already. */
export function surbBudget(messageBytes: number, needed: number): number {
  const packets = requestPackets(messageBytes, needed)
  let surbs = Math.min(needed, maxSurbsPerMessage)
  while (surbs < maxSurbsPerMessage && requestPackets(messageBytes, surbs + 1) <= packets) surbs += 1
  return surbs
}
