import { dialOver, type LinkDialer } from '../link/dialOver.ts'
import type { LinkOptions } from '../link/keepLink.ts'
import { type LinkListener, listenOver } from '../link/listenOver.ts'
import { type NymSocketAddress, openNymSocket } from './openNymSocket.ts'

export type { LinkDialer, LinkListener, LinkOptions, NymSocketAddress }

export interface NymSocketOptions extends LinkOptions, NymSocketAddress {}

/**
 * Dials through a native nym-client beside this process. One client has one websocket: a listener needs another client.
 *
 * Its config.toml is sealed by its operator: under `[debug.reply_surbs]`, `maximum_allowed_reply_surb_request_size = 0`; under
 * `[debug.traffic]`, `use_legacy_sphinx_format = false`.
 *
 * @throws MixnetError `unsealed` if the URL leads to another host and `allowUnprotectedRemote` is not set
 */
export function createNymSocketDialer(options: NymSocketOptions = {}): LinkDialer {
  return dialOver(openNymSocket(options), options)
}

/**
 * Listens through a native nym-client beside this process. Its address and its SURBs live as long as that client.
 *
 * In its config.toml, `minimum_reply_surb_storage_threshold = 0` under `[debug.reply_surbs]` lets the first SURB answer at once.
 *
 * @throws MixnetError `unsealed` if the URL leads to another host and `allowUnprotectedRemote` is not set
 */
export function createNymSocketListener(options: NymSocketOptions = {}): LinkListener {
  return listenOver(openNymSocket(options), true, options)
}
