import type { WasmMessage } from '@veilcast/localnet'

/** Collects what a client receives; `next` waits for one message that nobody took yet. */
export function createInbox() {
  const messages: WasmMessage[] = []
  const takers: ((message: WasmMessage) => void)[] = []
  return {
    onMessage(message: WasmMessage) {
      const taker = takers.shift()
      if (taker) taker(message)
      else messages.push(message)
    },
    next: () =>
      new Promise<WasmMessage>((resolve) => {
        const message = messages.shift()
        if (message) resolve(message)
        else takers.push(resolve)
      }),
  }
}

export const textOf = (message: { payload: Uint8Array }) => Buffer.from(message.payload).toString()
