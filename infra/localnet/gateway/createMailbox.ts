/** What the gateway pushes to a client: the body of a data packet, of the client's own loop packet, or of an ack. */
export type Push = { readonly what: 'data' | 'loop' | 'ack'; readonly body: Uint8Array }

/** What waits for a client without a socket: the oldest is kept, the newest refused when it is full. */
export type Mailbox = {
  /** False when there was no room. */
  put(push: Push): boolean
  /** Takes everything out, oldest first. */
  takeAll(): readonly Push[]
}

export function createMailbox(limits: {
  readonly maxStoredMessagesPerClient: number
  readonly maxStoredBytesPerClient: number
}): Mailbox {
  let pushes: Push[] = []
  let bytes = 0
  return {
    put({ what, body }) {
      const fits =
        pushes.length < limits.maxStoredMessagesPerClient &&
        bytes + body.length <= limits.maxStoredBytesPerClient
      if (!fits) return false
      pushes.push({ what, body: Uint8Array.from(body) })
      bytes += body.length
      return true
    },
    takeAll() {
      const taken = pushes
      pushes = []
      bytes = 0
      return taken
    },
  }
}
