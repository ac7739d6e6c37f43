/** What a policy needs to know of a wallet's config. */
export interface PolicyInput {
  readonly nymApiUrl: string
  /** The entry gateway's websocket. Undefined: any over TLS, for the client picks one by itself. */
  readonly gatewayUrl?: string | undefined
}

/** Of a build without a config: Nym's main network, and a stack on this machine. */
const anyNetwork = ['https://validator.nymtech.net', 'wss:', 'http://127.0.0.1:*', 'ws://127.0.0.1:*']

/**
 * What the page may do: its own scripts and styles, the Nym client's worker and wasm, and the mixnet. The header says all of it;
 * a meta element cannot say `frame-ancestors`.
 */
export function contentSecurityPolicy(place: 'meta' | 'header', config: PolicyInput | undefined): string {
  const mixnet = config ? [originOf(config.nymApiUrl), gatewayOf(config)] : anyNetwork
  return [
    `default-src 'none'`,
    `script-src 'self' 'wasm-unsafe-eval'`,
    'worker-src blob:',
    `style-src 'self'`,
    `img-src 'self' data:`,
    `connect-src 'self' ${mixnet.join(' ')}`,
    `base-uri 'none'`,
    `form-action 'none'`,
    `require-trusted-types-for 'script'`,
    'trusted-types default',
    ...(place === 'header' ? [`frame-ancestors 'none'`] : []),
  ].join('; ')
}

function originOf(url: string): string {
  return new URL(url).origin
}

function gatewayOf({ nymApiUrl, gatewayUrl }: PolicyInput): string {
  if (gatewayUrl) return originOf(gatewayUrl)
  return new URL(nymApiUrl).hostname === '127.0.0.1' ? 'ws://127.0.0.1:*' : 'wss:'
}
