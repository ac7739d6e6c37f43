import { dialOver, type LinkDialer } from '../link/dialOver.ts'
import type { LinkOptions } from '../link/keepLink.ts'
import type { OpenLink } from '../link/Link.ts'
import { type LinkListener, listenOver } from '../link/listenOver.ts'
import { sealTraffic, type TrafficOptions } from '../link/sealedConfig.ts'
import { MixnetError } from '../Mixnet.ts'
import { type IdentityFile, openIdentityFile } from './identityFile.ts'
import { openNymWasm } from './openNymWasm.ts'

export type { LinkDialer, LinkListener, LinkOptions, TrafficOptions }

export interface NymWasmOptions extends LinkOptions, TrafficOptions {
  /** Where the network's topology is asked for, such as `https://validator.nymtech.net/api`. */
  readonly nymApiUrl: string
  /** The entry gateway's ed25519 identity in base58. Default: one that the client picks. */
  readonly preferredGateway?: string
  /** Reach the gateway over wss only. Default false: the link has its own encryption. */
  readonly forceTls?: boolean
  /** Refuses more messages while what the client holds takes so long to leave at its pace. Default 15 000. */
  readonly maxBacklogMs?: number
}

export interface NymWasmListenerOptions extends NymWasmOptions {
  /**
   * Keeps the listener's keys, and so its address, in this file: mode 0600, one owner. What is sent while nobody listens waits
   * at the gateway. Default: the address lasts until stop().
   */
  readonly identityFile?: string
}

/**
 * Dials with Nym's own client in a worker thread. Each start, and each return after the gateway was lost, is a new Nym
 * identity, which unlinks what is sent before from what is sent after it.
 *
 * Needs `@nymproject/nym-client-wasm-node@1.4.1` and `fake-indexeddb`.
 *
 * @example
 * import { createNymWasmDialer } from '@veilcast/shared/mixnet/nym-wasm'
 * const dialer = createNymWasmDialer({ nymApiUrl: 'https://validator.nymtech.net/api' })
 * await dialer.start()
 */
export function createNymWasmDialer(options: NymWasmOptions): LinkDialer {
  const task = { ...taskOf(options), dumpIdentity: false }
  return dialOver(
    async (events, signal) => (await openNymWasm(task, options.maxBacklogMs ?? 15_000, events, signal)).link,
    options,
  )
}

/**
 * Listens with Nym's own client in a worker thread, which is started anew when its gateway is lost, at the same address.
 *
 * Needs `@nymproject/nym-client-wasm-node@1.4.1` and `fake-indexeddb`.
 *
 * @example
 * import { createNymWasmListener } from '@veilcast/shared/mixnet/nym-wasm'
 * const listener = createNymWasmListener({ nymApiUrl: 'https://validator.nymtech.net/api', identityFile: './nym.identity' })
 * await listener.start()
 */
export function createNymWasmListener(options: NymWasmListenerOptions): LinkListener {
  let file: IdentityFile | undefined
  let identity: Uint8Array | undefined

  const open: OpenLink = async (events, signal) => {
    const opened = await openNymWasm(
      {
        ...taskOf(options),
        dumpIdentity: true,
        ...(identity ? { identity } : {}),
      },
      options.maxBacklogMs ?? 15_000,
      events,
      signal,
    )
    if (opened.identity && !identity) {
      identity = opened.identity
      await file?.write(identity).catch(async (cause: unknown) => {
        await opened.link.close()
        identity = undefined
        throw new MixnetError('unreachable', 'The identity file cannot be written.', { cause })
      })
    }
    return opened.link
  }
  const letGo = async () => {
    const held = file
    file = undefined
    identity = undefined
    await held?.release()
  }

  const listener = listenOver(open, false, options)
  return {
    ...listener,
    async start(wait) {
      wait?.signal?.throwIfAborted()
      if (options.identityFile !== undefined && !file) {
        file = await openIdentityFile(options.identityFile)
        identity = await file.read()
      }
      try {
        await listener.start(wait)
      } catch (error) {
        await letGo()
        throw error
      }
    },
    async stop() {
      await listener.stop()
      await letGo()
    },
  }
}

function taskOf(options: NymWasmOptions) {
  return {
    nymApiUrl: options.nymApiUrl,
    ...(options.preferredGateway === undefined ? {} : { preferredGateway: options.preferredGateway }),
    forceTls: options.forceTls === true,
    traffic: sealTraffic(options, 'full'),
  }
}
