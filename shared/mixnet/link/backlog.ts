import { replyPackets, requestPackets } from '../packetCapacity.ts'
import type { Outgoing } from './Link.ts'

export interface Backlog {
  add(packets: number): void
  ms(): number
}

/** The client buffers without limit and tells nobody how much: what it was given, less what its pace has let out since. */
export function createBacklog(packetMs: number): Backlog {
  let emptyAtMs = 0
  const ms = () => Math.max(0, emptyAtMs - performance.now())
  return {
    ms,
    add(packets) {
      emptyAtMs = performance.now() + ms() + packets * packetMs
    },
  }
}

export function packetsOf(message: Outgoing): number {
  return message.kind === 'reply'
    ? replyPackets(message.payload.length)
    : requestPackets(message.payload.length, message.surbs)
}
