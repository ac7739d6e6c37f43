/** A client's ed25519 identity key in base58: the part of its Nym address before the dot. */
export type ClientId = string

export const HOP_NAMES = ['mix1', 'mix2', 'mix3', 'gateway'] as const
export type HopName = (typeof HOP_NAMES)[number]

/**
 * What one client cost, in packets. A packet counts as data or loop once it has reached its last hop or was lost; until
 * then it is in flight. Retransmissions by the client are packets like any other.
 */
export type ClientCounters = {
  /** Uploaded packets for another client: messages, replies, retransmissions of both. */
  dataPacketsUp: number
  /** Uploaded packets that are addressed to their own sender: loop cover, and messages to oneself. */
  loopPacketsUp: number
  /** Uploaded packets that no node could read or route. */
  unreadablePacketsUp: number
  /** Uploaded packets still on their way. */
  packetsInFlight: number
  /** Of those above, how many a hop lost. */
  dataPacketsLost: number
  loopPacketsLost: number
  /** Binary websocket frames from the client, in bytes. */
  bytesUp: number
  /** Pushed to the client: data from others, its own loop packets, acknowledgements of either. */
  dataPacketsPushed: number
  loopPacketsPushed: number
  acksPushed: number
  /** Binary websocket frames to the client, in bytes. */
  bytesPushed: number
  /** Frames kept for the client while it had no socket, and frames thrown away because its mailbox was full. */
  framesStored: number
  framesDiscarded: number
}

export type HopCounters = { arrived: number; lost: number; overflowed: number; unreadable: number }

export type NetworkCounters = {
  readonly clients: Readonly<Record<ClientId, Readonly<ClientCounters>>>
  readonly hops: Readonly<Record<HopName, Readonly<HopCounters>>>
  /** Acknowledgements that never came back to their client. */
  readonly acksLost: number
  /** Data packets for a client that never registered here. */
  readonly unknownRecipient: number
}

/** Goes with a packet through all hops: who uploaded it, and the counters it is to be settled in. */
export type PacketTrace =
  | { readonly kind: 'upload'; readonly uploader: ClientId; readonly counters: ClientCounters }
  | { readonly kind: 'ack' }

export type Tallies = {
  /** Begins the trace of a packet that a client uploads in a frame of this many bytes. */
  uploaded(uploader: ClientId, bytes: number): PacketTrace
  /** Settles a packet that was delivered to `destination`. */
  delivered(trace: PacketTrace, destination: ClientId): void
  lost(trace: PacketTrace, destination: Uint8Array | undefined): void
  unroutable(trace: PacketTrace): void
  pushed(to: ClientId, what: 'data' | 'loop' | 'ack', bytes: number): void
  stored(client: ClientId, kept: boolean): void
  arrived(hop: HopName): void
  lostAt(hop: HopName): void
  overflowed(hop: HopName): void
  unreadableAt(hop: HopName): void
  unknownRecipient(): void
  /** A copy. */
  read(): NetworkCounters
  reset(): void
}

/** `maxClients` bounds the table; packets of clients beyond it are carried, not counted. */
export function createTallies(options: {
  readonly clientIdOf: (identityKey: Uint8Array) => ClientId
  readonly maxClients: number
}): Tallies {
  let clients = new Map<ClientId, ClientCounters>()
  let hops = noHops()
  let acksLost = 0
  let unknownRecipient = 0

  function countersOf(client: ClientId): ClientCounters {
    const known = clients.get(client)
    if (known !== undefined) return known
    const fresh = noPackets()
    if (clients.size < options.maxClients) clients.set(client, fresh)
    return fresh
  }

  function settle(trace: PacketTrace, destination: ClientId | undefined): 'data' | 'loop' | undefined {
    if (trace.kind === 'ack') return undefined
    trace.counters.packetsInFlight--
    if (destination === undefined) {
      trace.counters.unreadablePacketsUp++
      return undefined
    }
    const what = destination === trace.uploader ? 'loop' : 'data'
    trace.counters[`${what}PacketsUp`]++
    return what
  }

  return {
    uploaded(uploader, bytes) {
      const counters = countersOf(uploader)
      counters.packetsInFlight++
      counters.bytesUp += bytes
      return { kind: 'upload', uploader, counters }
    },
    delivered(trace, destination) {
      settle(trace, destination)
    },
    lost(trace, destination) {
      if (trace.kind === 'ack') {
        acksLost++
        return
      }
      const what = settle(trace, destination && options.clientIdOf(destination))
      if (what !== undefined) trace.counters[`${what}PacketsLost`]++
    },
    unroutable(trace) {
      if (trace.kind === 'ack') acksLost++
      else settle(trace, undefined)
    },
    pushed(to, what, bytes) {
      const counters = countersOf(to)
      counters.bytesPushed += bytes
      if (what === 'ack') counters.acksPushed++
      else counters[`${what}PacketsPushed`]++
    },
    stored(client, kept) {
      countersOf(client)[kept ? 'framesStored' : 'framesDiscarded']++
    },
    arrived: (hop) => void hops[hop].arrived++,
    lostAt: (hop) => void hops[hop].lost++,
    overflowed: (hop) => void hops[hop].overflowed++,
    unreadableAt: (hop) => void hops[hop].unreadable++,
    unknownRecipient: () => void unknownRecipient++,
    read: () => structuredClone({ clients: Object.fromEntries(clients), hops, acksLost, unknownRecipient }),
    reset() {
      // Packets in flight keep the counters they began in, so that they cannot disturb the new count.
      clients = new Map()
      hops = noHops()
      acksLost = 0
      unknownRecipient = 0
    },
  }
}

export const noPackets = (): ClientCounters => ({
  dataPacketsUp: 0,
  loopPacketsUp: 0,
  unreadablePacketsUp: 0,
  packetsInFlight: 0,
  dataPacketsLost: 0,
  loopPacketsLost: 0,
  bytesUp: 0,
  dataPacketsPushed: 0,
  loopPacketsPushed: 0,
  acksPushed: 0,
  bytesPushed: 0,
  framesStored: 0,
  framesDiscarded: 0,
})

const noHops = (): Record<HopName, HopCounters> => ({
  mix1: { arrived: 0, lost: 0, overflowed: 0, unreadable: 0 },
  mix2: { arrived: 0, lost: 0, overflowed: 0, unreadable: 0 },
  mix3: { arrived: 0, lost: 0, overflowed: 0, unreadable: 0 },
  gateway: { arrived: 0, lost: 0, overflowed: 0, unreadable: 0 },
})
