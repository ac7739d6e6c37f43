import type { KeyObject } from 'node:crypto'
import type { HopName, PacketTrace, Tallies } from '../counters/createTallies.ts'
import { openHeader, UnreadablePacketError } from '../sphinx/openHeader.ts'
import { HEADER_BYTES } from '../sphinx/parameters.ts'
import { parseRoutingAddress, type RoutingAddress } from '../sphinx/routingAddress.ts'
import { unwrapPacket } from '../sphinx/unwrapPacket.ts'

/** A node that unwraps packets: a mix, or the gateway as the last hop. */
export type MixNode = {
  readonly name: HopName
  readonly address: RoutingAddress
  readonly privateKey: KeyObject
}

export type MixnetOptions = {
  readonly nodes: readonly MixNode[]
  /** Whether this hop loses the packet that has just arrived. */
  readonly loses: (hop: HopName) => boolean
  /** Called at the last hop with what the packet carried. */
  readonly deliver: (destination: Uint8Array, message: Uint8Array, trace: PacketTrace) => void
  readonly tallies: Tallies
  readonly maxPacketsInFlight: number
  readonly maxHopDelayMs: number
}

export type Mixnet = {
  /** Hands a packet to the node at an address; a packet for an address that is no node of ours is lost. */
  route(address: RoutingAddress, packet: Uint8Array, trace: PacketTrace): void
  stop(): void
}

/**
 * Three mixes and a gateway in one process. Packets go from node to node as buffers, each node unwraps them with its own
 * key and holds them for the delay that the sender wrote into the header.
 */
export function createMixnet(options: MixnetOptions): Mixnet {
  const { tallies, loses, deliver, maxPacketsInFlight, maxHopDelayMs } = options
  const nodes = new Map(options.nodes.map((node) => [node.address, node]))
  const timers = new Set<NodeJS.Timeout>()

  function route(address: RoutingAddress, packet: Uint8Array, trace: PacketTrace, delayMs = 0) {
    const node = nodes.get(address)
    if (node === undefined) return tallies.unroutable(trace)
    if (timers.size >= maxPacketsInFlight) {
      tallies.overflowed(node.name)
      return tallies.lost(trace, destinationOf(packet, node))
    }
    const timer = setTimeout(
      () => {
        timers.delete(timer)
        arrive(node, packet, trace)
      },
      Math.min(delayMs, maxHopDelayMs),
    )
    timers.add(timer)
  }

  function arrive(node: MixNode, packet: Uint8Array, trace: PacketTrace) {
    tallies.arrived(node.name)
    if (loses(node.name)) {
      tallies.lostAt(node.name)
      return tallies.lost(trace, destinationOf(packet, node))
    }
    const unwrapped = unwrap(node, packet)
    if (unwrapped === undefined) {
      tallies.unreadableAt(node.name)
      return tallies.unroutable(trace)
    }
    if (unwrapped.kind === 'final') return deliver(unwrapped.destination, unwrapped.message, trace)
    const next = parseRoutingAddress(unwrapped.nextAddress)
    if (next === undefined) return tallies.unroutable(trace)
    route(next.address, unwrapped.packet, trace, unwrapped.delayMs)
  }

  /** Follows the headers of a packet that goes no further, so that even a lost one is counted as what it was. */
  function destinationOf(packet: Uint8Array, from: MixNode): Uint8Array | undefined {
    let header = packet.subarray(0, HEADER_BYTES)
    let node: MixNode | undefined = from
    for (let hop = 0; hop < options.nodes.length && node !== undefined; hop++) {
      const opened = readable(() => openHeader(header, (node as MixNode).privateKey))
      if (opened?.kind !== 'forward') return opened?.destination
      header = opened.nextHeader
      node = nodes.get(parseRoutingAddress(opened.nextAddress)?.address ?? '')
    }
    return undefined
  }

  return {
    route: (address, packet, trace) => route(address, packet, trace),
    stop() {
      for (const timer of timers) clearTimeout(timer)
      timers.clear()
    },
  }
}

const unwrap = (node: MixNode, packet: Uint8Array) => readable(() => unwrapPacket(packet, node.privateKey))

function readable<T>(open: () => T): T | undefined {
  try {
    return open()
  } catch (error) {
    if (error instanceof UnreadablePacketError) return undefined
    throw error
  }
}
