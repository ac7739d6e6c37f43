import { MixnetError } from '../Mixnet.ts'

export interface TrafficOptions {
  /**
   * `full`: a packet every 20 ms and loops, 0.85 GB an hour. `light`: a packet every 200 ms and loops, a sixth of it, and
   * 5 packets a second at most. Default `full` in Node, `light` in browsers.
   */
  readonly coverTraffic?: 'full' | 'light'
  /** Ends the stream of loop cover packets. With pacing, cover still fills the gaps between packets. Default false. */
  readonly disableCoverTraffic?: boolean
  /** Sends packets at once, as they come, so that the gateway sees when and how much is said. Default false. */
  readonly disablePacing?: boolean
  /** Mean delay at each of the mix nodes, exponential. Default: Nym's, 15 ms. */
  readonly averagePacketDelayMs?: number
}

export interface SealedTraffic {
  readonly messageSendingAverageDelayMs: number
  readonly disableLoopCoverTrafficStream: boolean
  readonly disableMainPoissonPacketDistribution: boolean
  readonly averagePacketDelayMs?: number
}

export function sealTraffic(options: TrafficOptions, coverTraffic: 'full' | 'light'): SealedTraffic {
  return {
    messageSendingAverageDelayMs: (options.coverTraffic ?? coverTraffic) === 'light' ? 200 : 20,
    disableLoopCoverTrafficStream: options.disableCoverTraffic === true,
    disableMainPoissonPacketDistribution: options.disablePacing === true,
    ...(options.averagePacketDelayMs === undefined
      ? {}
      : { averagePacketDelayMs: options.averagePacketDelayMs }),
  }
}

/** How long a packet takes to leave: by pacing, or by the CPU. */
export function packetMs(traffic: SealedTraffic): number {
  return traffic.disableMainPoissonPacketDistribution ? 10 : traffic.messageSendingAverageDelayMs
}

/**
 * The override for Nym's client, and proof that the client took it: each value that protects someone notes that it was read,
 * so that a client which knows it by another name, or not at all, is found out.
 *
 * - `useLegacySphinxFormat: false`: else a mix node tells real packets from cover by their version.
 * - `maximumAllowedReplySurbRequestSize: 0`: else a hostile service makes a wallet send hundreds of SURBs by itself.
 * - `minimumReplySurbStorageThreshold: 0`: the first SURB answers at once.
 */
export function sealConfig(traffic: SealedTraffic): {
  readonly override: object
  assertRead(): void
} {
  const unread = new Set<string>()
  const sealed = <T extends object>(values: T): T => {
    const noted = {} as T
    for (const [name, value] of Object.entries(values)) {
      unread.add(name)
      Object.defineProperty(noted, name, {
        enumerable: true,
        get() {
          unread.delete(name)
          return value
        },
      })
    }
    return noted
  }
  const { averagePacketDelayMs, disableLoopCoverTrafficStream, ...main } = traffic
  const delay = averagePacketDelayMs === undefined ? {} : { averagePacketDelayMs }
  const ackDelay = averagePacketDelayMs === undefined ? {} : { averageAckDelayMs: averagePacketDelayMs }

  return {
    override: {
      traffic: sealed({ ...main, ...delay, useLegacySphinxFormat: false }),
      coverTraffic: sealed({ disableLoopCoverTrafficStream }),
      acknowledgements: sealed(ackDelay),
      replySurbs: sealed({
        maximumAllowedReplySurbRequestSize: 0,
        minimumReplySurbStorageThreshold: 0,
        // Parsed and ignored in 1.4.1, and required.
        freshSenderTags: false,
      }),
      statsReporting: sealed({ enabled: false }),
    },
    assertRead() {
      if (unread.size > 0) {
        throw new MixnetError(
          'unsealed',
          `The Nym client did not read its protections: ${[...unread].join(', ')}.`,
        )
      }
    },
  }
}
