/** The inside of the worker thread: one unmodified wasm client, driven by the messages in workerMessages.ts. */
import { createRequire } from 'node:module'
import { parentPort, workerData } from 'node:worker_threads'
import { base58 } from '@scure/base'
import { GuardedWebSocket } from './GuardedWebSocket.ts'
import { readSenderTag, type WasmMemory } from './readSenderTag.ts'
import type { Order, Refusal, Report, WorkerStart } from './workerMessages.ts'

type NymClient = {
  selfAddress(): string
  send_regular_message(payload: Uint8Array, to: string): Promise<void>
  send_anonymous_message(payload: Uint8Array, to: string, replySurbs: number): Promise<void>
  send_reply(payload: Uint8Array, senderTag: string): Promise<void>
}
type OpaqueSenderTag = { readonly __wbg_ptr: number; free(): void }
type OnMessage = (payload: Uint8Array, senderTag: OpaqueSenderTag | undefined) => void
type NymWasm = {
  NymClient: new (onMessage: OnMessage, options: object) => Promise<NymClient>
  set_panic_hook(): void
  __wasm: { memory: WasmMemory }
}

const report = (message: Report) => parentPort?.postMessage(message)

async function main(): Promise<void> {
  const require = createRequire(import.meta.url)
  require('fake-indexeddb/auto')
  Object.assign(globalThis, { WebSocket: GuardedWebSocket })
  const wasm: NymWasm = require('@nymproject/nym-client-wasm-node')
  wasm.set_panic_hook()

  const take: OnMessage = (payload, senderTag) => {
    const tag = senderTag && readSenderTag(wasm.__wasm.memory, senderTag.__wbg_ptr)
    senderTag?.free()
    report({ type: 'message', payload: Uint8Array.from(payload), senderTag: tag })
  }
  // Thrown into the client, an error would be a panic without a reason.
  const onMessage: OnMessage = (...args) => {
    try {
      take(...args)
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
    }
  }
  const client = await new wasm.NymClient(onMessage, (workerData as WorkerStart).options)

  parentPort?.on('message', (order: Order) => {
    obey(client, order).then(
      () => report({ type: 'done', id: order.id }),
      (error: unknown) => report({ type: 'failed', id: order.id, reason: refusalOf(error) }),
    )
  })
  report({ type: 'ready', address: client.selfAddress() })
}

const refusalOf = (error: unknown): Refusal =>
  String(error).includes('is not a valid Nym network recipient') ? 'malformedRecipient' : 'refused'

async function obey(client: NymClient, order: Order): Promise<void> {
  switch (order.do) {
    case 'send':
      return client.send_regular_message(order.payload, order.to)
    case 'sendAnonymous':
      return client.send_anonymous_message(order.payload, order.to, order.replySurbs)
    case 'reply':
      return client.send_reply(order.payload, base58.encode(order.senderTag))
  }
}

await main()
