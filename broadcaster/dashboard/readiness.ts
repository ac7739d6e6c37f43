import type { MixnetListener } from '@veilcast/shared/mixnet'
import type { ChainAdapter } from '../chains/ChainAdapter.ts'
import { roundTripAgeMs } from '../fleet/findTroubles.ts'
import { mixnetId } from '../mixnetId.ts'
import type { Store } from '../store/Store.ts'

export interface Readiness {
  readonly ready: boolean
  /** It was told to stop: nothing new is taken. */
  readonly draining: boolean
  readonly store: boolean
  /** None of the queue's workers has stopped by itself. */
  readonly workers: boolean
  /** One of the Nym clients carries at least, or a worker needs none. */
  readonly mixnet: boolean
  /** By Nym client, whether a message to ourselves came back lately: connected is not the same as working. */
  readonly mixnets: Readonly<Record<string, boolean>>
  /** By chain, whether an endpoint of it is live. */
  readonly chains: Readonly<Record<string, boolean>>
}

export async function readiness(parts: {
  readonly store: Store
  readonly listeners: readonly MixnetListener[]
  readonly adapters: readonly ChainAdapter[]
  readonly draining: boolean
}): Promise<Readiness> {
  const { listeners, adapters, draining } = parts
  const workers = parts.store.queues.working()
  const store = await parts.store.records.ping().then(
    () => true,
    () => false,
  )
  const mixnets: Record<string, boolean> = {}
  for (const [index, listener] of listeners.entries()) {
    const id = mixnetId(index)
    const trip = listener.lastRoundTrip?.()
    // A transport that knows no round trips works as long as it is started.
    mixnets[id] = listener.lastRoundTrip
      ? trip !== undefined && Date.now() - trip.atMs < roundTripAgeMs
      : true
  }
  const mixnet = listeners.length === 0 || Object.values(mixnets).some(Boolean)
  const chains = Object.fromEntries(adapters.map((adapter) => [adapter.chain, adapter.live()]))
  const ready = !draining && store && workers && mixnet && Object.values(chains).every(Boolean)
  return { ready, draining, store, workers, mixnet, mixnets, chains }
}
