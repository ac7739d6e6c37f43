import { HOP_NAMES, type HopName } from '../counters/createTallies.ts'
import { type LocalnetEvent, parseLoss } from '../options.ts'
import { seededRandom } from './seededRandom.ts'

/** What can be broken while the network runs. */
export type Faults = {
  /** The probability, 0 to 1, that a hop loses a packet, from now on. Throws LocalnetOptionError. */
  setLossPerHop(probability: number): void
  /** Cuts the sockets of all clients, or of one: by its Nym address or identity key. Clients may connect again at once. */
  cutGatewaySockets(addressOrClientId?: string): void
  /** Cuts all sockets and refuses new ones, until gatewayBack or for a time. Messages are kept meanwhile. */
  gatewayAway(durationMs?: number): void
  gatewayBack(): void
}

type GatewayUnderTest = {
  cutSockets(client?: string): void
  goAway(): void
  comeBack(): void
}

export function createFaults(options: {
  readonly seed: number
  readonly lossPerHop: number
  readonly gateway: GatewayUnderTest
  readonly onEvent: (event: LocalnetEvent) => void
}): Faults & { loses(hop: HopName): boolean; stop(): void } {
  const { gateway, onEvent } = options
  const randoms = new Map(HOP_NAMES.map((hop) => [hop, seededRandom(options.seed, hop)]))
  let lossPerHop = options.lossPerHop
  let awayTimer: NodeJS.Timeout | undefined
  let away = false

  function gatewayBack(): void {
    clearTimeout(awayTimer)
    if (!away) return
    away = false
    gateway.comeBack()
    onEvent({ type: 'gatewayBack' })
  }

  return {
    /** Draws for every packet, also while nothing is lost, so that the n-th packet of a hop always meets the n-th number. */
    loses(hop) {
      const lost = (randoms.get(hop)?.() ?? 1) < lossPerHop
      if (lost) onEvent({ type: 'packetLost', hop })
      return lost
    },
    setLossPerHop(probability) {
      lossPerHop = parseLoss(probability)
    },
    cutGatewaySockets: (addressOrClientId) => gateway.cutSockets(addressOrClientId?.split('.', 1)[0]),
    gatewayAway(durationMs) {
      clearTimeout(awayTimer)
      if (durationMs !== undefined) awayTimer = setTimeout(gatewayBack, durationMs)
      if (away) return
      away = true
      gateway.goAway()
      onEvent({ type: 'gatewayAway' })
    },
    gatewayBack,
    stop: () => clearTimeout(awayTimer),
  }
}
