import { VeilcastError } from '@veilcast/shared/errors'

export type EventName = 'connect' | 'disconnect' | 'chainChanged' | 'accountsChanged' | 'message'

// biome-ignore lint/suspicious/noExplicitAny: EIP-1193 gives each event a payload of its own
export type Hear = (payload: any) => void

const maxListenersPerEvent = 256

export function createEvents() {
  const listeners = new Map<EventName, Set<Hear>>()
  return {
    on(event: EventName, hear: Hear): void {
      const those = listeners.get(event) ?? new Set()
      if (those.size >= maxListenersPerEvent) {
        throw new VeilcastError('tooManyPending', { values: { limit: maxListenersPerEvent } })
      }
      listeners.set(event, those.add(hear))
    },
    removeListener(event: EventName, hear: Hear): void {
      listeners.get(event)?.delete(hear)
    },
    /** What a listener throws is its own affair, told where uncaught errors are. */
    emit(event: EventName, payload: unknown): void {
      for (const hear of [...(listeners.get(event) ?? [])]) {
        try {
          hear(payload)
        } catch (error) {
          queueMicrotask(() => {
            throw error
          })
        }
      }
    },
  }
}
