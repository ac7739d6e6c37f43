import { dialOver, type LinkDialer } from '../link/dialOver.ts'
import type { LinkOptions } from '../link/keepLink.ts'
import { sealTraffic, type TrafficOptions } from '../link/sealedConfig.ts'
import { type NymSdk, openNymSdk } from './openNymSdk.ts'

export type { LinkDialer, LinkOptions, NymSdk, TrafficOptions }

export interface NymSdkDialerOptions extends LinkOptions, TrafficOptions {
  /** Where the network's topology is asked for, such as `https://validator.nymtech.net/api`. */
  readonly nymApiUrl: string
  /** The entry gateway's ed25519 identity in base58. Default: one that the client picks. */
  readonly preferredGateway?: string
  /** Reach the gateway over wss only, which a page on https must. Default: as the page. */
  readonly forceTls?: boolean
  /**
   * Keeps the Nym identity in the browser's IndexedDB under this name, which links the wallet's sessions; it then needs
   * `preferredGateway` too. Default: an identity for each link, forgotten at its end.
   */
  readonly clientId?: string
  /** Refuses more messages while what the client holds takes so long to leave at its pace. Default 15 000. */
  readonly maxBacklogMs?: number
  /** Default `() => import('@nymproject/sdk-full-fat')`. */
  readonly sdk?: () => Promise<NymSdk>
}

/**
 * Dials from a browser, with light cover traffic by default. The page's Content-Security-Policy has to allow
 * `'wasm-unsafe-eval'`, `worker-src blob:`, and `connect-src` to nym-api and the gateway.
 *
 * The SDK says nothing of a lost gateway: it is found out by messages to ourselves. Without SURBs it still attaches its sender
 * tag, so that messages of one link to one broadcaster can be told to be of one sender.
 *
 * @example
 * import { createNymSdkDialer } from '@veilcast/shared/mixnet/nym-sdk'
 * const dialer = createNymSdkDialer({ nymApiUrl: 'https://validator.nymtech.net/api' })
 * await dialer.start()
 */
export function createNymSdkDialer(options: NymSdkDialerOptions): LinkDialer {
  const sdk = options.sdk ?? (async () => (await import('@nymproject/sdk-full-fat')) as unknown as NymSdk)
  const open = openNymSdk(sdk, {
    nymApiUrl: options.nymApiUrl,
    preferredGateway: options.preferredGateway,
    forceTls: options.forceTls ?? globalThis.location?.protocol === 'https:',
    clientId: options.clientId,
    traffic: sealTraffic(options, 'light'),
    maxBacklogMs: options.maxBacklogMs ?? 15_000,
  })
  return dialOver(open, options)
}
