import { WebSocket } from 'ws'

/**
 * What Nym's wasm expects of a browser and Node lacks: IndexedDB in memory, and a WebSocket whose events may find that the
 * closure behind a listener is dropped already, which would otherwise end the process.
 *
 * @param socketClosed told when the newest socket is closed: the one for registration is, before the one that carries opens
 * @returns whether the newest socket is open
 */
export async function installBrowserGlobals(socketClosed: () => void): Promise<() => boolean> {
  const { default: indexedDB, ...classes } = await import('fake-indexeddb')
  let newest: GuardedWebSocket | undefined

  class GuardedWebSocket extends WebSocket {
    readonly #guards = new Map<unknown, (event: unknown) => void>()

    constructor(url: string) {
      super(url, { perMessageDeflate: false, maxPayload: 16_777_216 })
      newest = this
      this.on('error', () => {})
      this.on('close', () => {
        if (newest === this) socketClosed()
      })
    }

    // biome-ignore lint/suspicious/noExplicitAny: the overloads of ws name one event each
    override addEventListener(type: any, listener: any, options?: any): void {
      const guard = this.#guards.get(listener) ?? guarded(listener)
      this.#guards.set(listener, guard)
      super.addEventListener(type, guard, options)
    }

    // biome-ignore lint/suspicious/noExplicitAny: as above
    override removeEventListener(type: any, listener: any): void {
      super.removeEventListener(type, (this.#guards.get(listener) ?? listener) as never)
      this.#guards.delete(listener)
    }

    /** The client tells itself of its own close; the socket's own event says the same. */
    dispatchEvent(): boolean {
      return true
    }
  }

  Object.assign(globalThis, {
    ...classes,
    indexedDB,
    WebSocket: GuardedWebSocket,
    CloseEvent: globalThis.CloseEvent ?? MinimalCloseEvent,
  })
  return () => newest?.readyState === WebSocket.OPEN
}

function guarded(listener: unknown): (event: unknown) => void {
  return (event) => {
    try {
      if (typeof listener === 'function') listener(event)
      else (listener as EventListenerObject).handleEvent(event as Event)
    } catch {
      // The closure was dropped: the client no longer cares.
    }
  }
}

class MinimalCloseEvent extends Event {
  readonly code: number
  readonly reason: string
  readonly wasClean: boolean
  constructor(type: string, init: CloseEventInit = {}) {
    super(type)
    this.code = init.code ?? 0
    this.reason = init.reason ?? ''
    this.wasClean = init.wasClean ?? false
  }
}
