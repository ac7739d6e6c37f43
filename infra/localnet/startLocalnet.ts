import { randomInt } from 'node:crypto'
import { base58 } from '@scure/base'
import {
  type ClientCounters,
  createTallies,
  HOP_NAMES,
  type NetworkCounters,
  noPackets,
} from './counters/createTallies.ts'
import { createFaults, type Faults } from './faults/createFaults.ts'
import { clientIdOf, createGateway } from './gateway/createGateway.ts'
import { makeEd25519KeyPair } from './gateway/ed25519.ts'
import { createMixnet, type MixNode } from './mix/createMixnet.ts'
import { createNymApi } from './nymApi/createNymApi.ts'
import type { NodeDescription, Topology } from './nymApi/topology.ts'
import { type LocalnetOptions, parseOptions } from './options.ts'
import { loadLioness } from './sphinx/openLioness.ts'
import { makeX25519KeyPair } from './sphinx/x25519.ts'

/** A running local network. */
export type Localnet = {
  /** `http://127.0.0.1:PORT/api`: what clients take as `nymApiUrl`. */
  readonly nymApiUrl: string
  /** `ws://127.0.0.1:PORT`: clients learn it from nym-api. */
  readonly gatewayUrl: string
  /** The gateway's ed25519 identity key in base58: the part of every address behind the `@`. */
  readonly preferredGateway: string
  /** The seed in use, given or drawn: pass it again to repeat the run. */
  readonly seed: number
  /** What everything cost since the start or the last reset. A copy. */
  counters(): NetworkCounters
  /** The same of one client, by its Nym address or its ed25519 identity key in base58; zeros if it did nothing yet. */
  countersOf(addressOrClientId: string): ClientCounters
  resetCounters(): void
  readonly faults: Faults
  /** Closes both servers and every socket. What was stored is forgotten. */
  stop(): Promise<void>
}

/**
 * Starts nym-api, a gateway and three mixes in this process. Throws LocalnetOptionError and PortUnavailableError.
 *
 * @example
 * import { startLocalnet } from '@veilcast/localnet'
 *
 * const localnet = await startLocalnet({ seed: 1, lossPerHop: 0.05 })
 * console.log(localnet.nymApiUrl, localnet.preferredGateway)
 * await localnet.stop()
 */
export async function startLocalnet(options: LocalnetOptions = {}): Promise<Localnet> {
  const { host, advertisedHost, apiPort, gatewayPort, limits, onEvent, ...parsed } = parseOptions(options)
  await loadLioness()
  const seed = parsed.seed ?? randomInt(2 ** 32)
  const keySeed = (label: string) => Buffer.from(`${seed}/${label}`)

  const nodes = HOP_NAMES.map((name, index) => makeNode(name, index, keySeed(name)))
  const gatewayKeys = makeEd25519KeyPair(keySeed('gateway'))
  const tallies = createTallies({ clientIdOf, maxClients: limits.maxClients })

  const mixnet = createMixnet({
    nodes: nodes.map(({ node }) => node),
    loses: (hop) => faults.loses(hop),
    deliver: (destination, message, trace) => gateway.deliver(destination, message, trace),
    tallies,
    maxPacketsInFlight: limits.maxPacketsInFlight,
    maxHopDelayMs: limits.maxHopDelayMs,
  })
  const gateway = await createGateway({
    host,
    port: gatewayPort,
    keys: gatewayKeys,
    limits,
    tallies,
    forward: mixnet.route,
    connected: (clientId) => onEvent({ type: 'clientConnected', clientId }),
    disconnected: (clientId) => onEvent({ type: 'clientDisconnected', clientId }),
  })
  const faults = createFaults({ seed, lossPerHop: parsed.lossPerHop, gateway, onEvent })

  const [mix1, mix2, mix3, exit] = nodes.map(({ description }) => description) as FourNodes
  const preferredGateway = base58.encode(Uint8Array.from(gatewayKeys.publicKey))
  const topology: Topology = {
    mixes: [mix1, mix2, mix3],
    gateway: {
      ...exit,
      identityKey: preferredGateway,
      hostname: advertisedHost,
      websocketPort: gateway.port,
    },
    epochStart: new Date(),
  }
  const nymApi = await createNymApi({
    host,
    port: apiPort,
    topology,
    maxConnections: limits.maxSockets,
  }).catch(async (error: unknown) => {
    await gateway.stop()
    throw error
  })

  return {
    nymApiUrl: `http://${advertisedHost}:${nymApi.port}/api`,
    gatewayUrl: `ws://${advertisedHost}:${gateway.port}`,
    preferredGateway,
    seed,
    counters: tallies.read,
    countersOf: (addressOrClientId) =>
      tallies.read().clients[addressOrClientId.split('.', 1)[0] ?? ''] ?? noPackets(),
    resetCounters: tallies.reset,
    faults,
    async stop() {
      faults.stop()
      await Promise.all([nymApi.stop(), gateway.stop()])
      mixnet.stop()
    },
  }
}

type FourNodes = [NodeDescription, NodeDescription, NodeDescription, NodeDescription]

/** Mix ports are names for routing inside the process: nothing listens there. */
const NODE_IP = '127.0.0.1'
const FIRST_MIX_PORT = 1789

function makeNode(name: MixNode['name'], index: number, seed: Uint8Array) {
  const sphinx = makeX25519KeyPair(seed)
  const mixPort = FIRST_MIX_PORT + index
  const node: MixNode = { name, address: `${NODE_IP}:${mixPort}`, privateKey: sphinx.privateKey }
  const description: NodeDescription = {
    nodeId: index + 1,
    identityKey: base58.encode(Uint8Array.from(makeEd25519KeyPair(seed).publicKey)),
    sphinxKey: base58.encode(Uint8Array.from(sphinx.publicKey)),
    ip: NODE_IP,
    mixPort,
  }
  return { node, description }
}
