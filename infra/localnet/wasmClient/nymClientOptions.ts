/** How a client behaves on the network; left out, each is the project's sealed default. */
export type NymClientProfile = {
  /** Loop cover traffic, in its own stream and in the gaps of the main one. Default true. */
  readonly cover?: boolean
  /** Packets leave one by one in a Poisson stream, instead of at once. Default true; without it that stream has no cover. */
  readonly pacing?: boolean
  /** Mean gap between the packets of that stream. Default 20, as Nym's; 200 takes a quarter of the CPU. */
  readonly messageSendingAverageDelayMs?: number
  /** Mean delay at each mix, chosen by the sender. Default 15, as Nym's. */
  readonly averagePacketDelayMs?: number
  /** How long, beyond the expected round trip, the client waits before it sends a packet again. Default 1500, as Nym's. */
  readonly ackWaitAdditionMs?: number
  /** SURBs that a receiver keeps back before it answers. Default 0: the first SURB answers at once. */
  readonly minimumReplySurbStorageThreshold?: number
  /** SURBs that a receiver may ask for at a time, answered without anybody being told. Default 0: none; Nym's is 500. */
  readonly maximumAllowedReplySurbRequestSize?: number
}

/** The second argument of `new NymClient(onMessage, options)` of @nymproject/nym-client-wasm-node 1.4.1. */
export type NymClientOptions = {
  readonly clientId: string
  readonly nymApiUrl: string
  readonly preferredGateway: string
  readonly forceTls: false
  readonly clientOverride: {
    readonly traffic: {
      readonly averagePacketDelayMs: number
      readonly messageSendingAverageDelayMs: number
      readonly disableMainPoissonPacketDistribution: boolean
      readonly useLegacySphinxFormat: false
    }
    readonly coverTraffic: { readonly disableLoopCoverTrafficStream: boolean }
    readonly acknowledgements: { readonly averageAckDelayMs: number; readonly ackWaitAdditionMs: number }
    readonly replySurbs: {
      readonly minimumReplySurbStorageThreshold: number
      readonly maximumAllowedReplySurbRequestSize: number
      /** Ignored by 1.4.1, but `replySurbs` is refused without it. */
      readonly freshSenderTags: boolean
    }
  }
}

/** The options with which an unmodified client runs on a local network. */
export function nymClientOptions(
  network: { readonly nymApiUrl: string; readonly preferredGateway: string },
  clientId: string,
  profile: NymClientProfile = {},
): NymClientOptions {
  const {
    cover = true,
    pacing = true,
    messageSendingAverageDelayMs = 20,
    averagePacketDelayMs = 15,
    ackWaitAdditionMs = 1_500,
    minimumReplySurbStorageThreshold = 0,
    maximumAllowedReplySurbRequestSize = 0,
  } = profile
  return {
    clientId,
    nymApiUrl: network.nymApiUrl,
    preferredGateway: network.preferredGateway,
    forceTls: false,
    clientOverride: {
      traffic: {
        averagePacketDelayMs,
        messageSendingAverageDelayMs,
        disableMainPoissonPacketDistribution: !pacing,
        useLegacySphinxFormat: false,
      },
      coverTraffic: { disableLoopCoverTrafficStream: !cover },
      acknowledgements: { averageAckDelayMs: averagePacketDelayMs, ackWaitAdditionMs },
      replySurbs: {
        minimumReplySurbStorageThreshold,
        maximumAllowedReplySurbRequestSize,
        freshSenderTags: false,
      },
    },
  }
}
