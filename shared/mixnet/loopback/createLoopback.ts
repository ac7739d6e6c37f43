import type { MixnetListener } from '../Mixnet.ts'
import { createDialer, type LoopbackDialer } from './dialer.ts'
import { createListener } from './listener.ts'
import { createNetwork, type LoopbackCounters, type LoopbackWeather } from './network.ts'

export interface LoopbackOptions extends LoopbackWeather {
  /** The same seed and the same order of calls give the same addresses, losses and delays. Default 0. */
  readonly seed?: string | number
  /** Requests kept for a listener that is down. Default 1024. */
  readonly maxKeptMessages?: number
}

export interface Loopback {
  dialer(): LoopbackDialer
  /** One name is one address and one mailbox, for whoever is started under it. Default `listener-1`, `listener-2`, ... */
  listener(name?: string): MixnetListener
  readonly counters: LoopbackCounters
  /** Replaces the whole weather, from the next message on. */
  set(weather: LoopbackWeather): void
}

/**
 * A mixnet in memory that treats SURBs as Nym does: pooled per sender and listener, spent oldest first, one per packet,
 * void after a restart of either side. What is sent to a listener that is down waits for it.
 *
 * @example
 * import { createLoopback } from '@veilcast/shared/mixnet/loopback'
 * const mixnet = createLoopback({ seed: 7, loss: 0.05, delayMs: { min: 5, max: 50 } })
 * const listener = mixnet.listener()
 * const dialer = mixnet.dialer()
 * await Promise.all([listener.start(), dialer.start()])
 * await dialer.send(listener.address(), new Uint8Array([1]), 2)
 */
export function createLoopback({
  seed = 0,
  maxKeptMessages = 1024,
  ...weather
}: LoopbackOptions = {}): Loopback {
  const network = createNetwork(seed, weather, maxKeptMessages)
  let listeners = 0
  return {
    dialer: () => createDialer(network),
    listener(name) {
      listeners += 1
      return createListener(network, network.mailbox(name ?? `listener-${listeners}`))
    },
    counters: network.counters,
    set(next) {
      network.weather = next
    },
  }
}
