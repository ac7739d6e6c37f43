import { WebSocket } from 'ws'

type Listener = (event: unknown) => void

/**
 * The WebSocket that the wasm client finds in its global scope. The client drops its closures while events still
 * arrive, and a call of a dropped closure throws: here that ends the event instead of the process.
 */
export class GuardedWebSocket extends WebSocket {}

const guards = new WeakMap<Listener, Listener>()
const { addEventListener, removeEventListener } = WebSocket.prototype as unknown as {
  addEventListener(type: string, listener: Listener, options?: object): void
  removeEventListener(type: string, listener: Listener): void
}

Object.assign(GuardedWebSocket.prototype, {
  addEventListener(this: GuardedWebSocket, type: string, listener: Listener, options?: object) {
    const guard: Listener = (event) => {
      try {
        listener.call(this, event)
      } catch {
        // The closure is gone, and with it everybody who wanted to know.
      }
    }
    guards.set(listener, guard)
    addEventListener.call(this, type, guard, options)
  },
  removeEventListener(this: GuardedWebSocket, type: string, listener: Listener) {
    removeEventListener.call(this, type, guards.get(listener) ?? listener)
  },
})
