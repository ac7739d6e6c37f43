import { randomUUID } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { type NymClientProfile, nymClientOptions } from './nymClientOptions.ts'
import type { Order, Refusal, Report, WorkerStart } from './workerMessages.ts'

export type WasmClientOptions = NymClientProfile & {
  readonly nymApiUrl: string
  readonly preferredGateway: string
  /** Names the client's store inside its own thread. Default: random. */
  readonly clientId?: string
  readonly onMessage?: (message: WasmMessage) => void
  /** Aborting it ends the start; a started client is ended by stop(). */
  readonly signal?: AbortSignal
}

/** `senderTag`, 16 bytes, is there when the sender attached SURBs. */
export type WasmMessage = { readonly payload: Uint8Array; readonly senderTag: Uint8Array | undefined }

/** A Nym client in a thread of its own. */
export type WasmClient = {
  /** `ed25519.x25519@gateway`, each in base58. */
  readonly address: string
  /** Without a way to answer. */
  send(to: string, payload: Uint8Array): Promise<void>
  /** With this many SURBs. */
  sendAnonymous(to: string, payload: Uint8Array, replySurbs: number): Promise<void>
  /** Spends a SURB that came under this tag. */
  reply(senderTag: Uint8Array, payload: Uint8Array): Promise<void>
  /** Settles when the client's thread ended by itself. */
  readonly failed: Promise<Error>
  stop(): Promise<void>
}

/** The client did not take a message. */
export class WasmClientRefusedError extends Error {
  override name = 'WasmClientRefusedError'
  readonly reason: Refusal

  constructor(reason: Refusal) {
    super(reason === 'malformedRecipient' ? 'not a Nym address' : 'the Nym client refused the message')
    this.reason = reason
  }
}

const MAX_PENDING_ORDERS = 10_000

/**
 * Starts @nymproject/nym-client-wasm-node 1.4.1, which must be installed together with fake-indexeddb. A promise of
 * send() says that the client took the message, not that anybody received it; it throws WasmClientRefusedError.
 *
 * The client does not connect again once its socket is cut: it goes silent, and only a new one helps.
 */
export async function startWasmClient(options: WasmClientOptions): Promise<WasmClient> {
  const { onMessage = () => {}, signal, clientId = randomUUID() } = options
  signal?.throwIfAborted()
  const workerData: WorkerStart = { options: nymClientOptions(options, clientId, options) }
  const worker = new Worker(new URL('./worker.js', import.meta.url), {
    workerData,
    stdout: true,
    stderr: true,
    execArgv: [],
  })
  // The client logs every reconnection and lost acknowledgement to its console.
  worker.stdout.resume()
  worker.stderr.resume()

  const pending = new Map<number, { resolve: () => void; reject: (error: Error) => void }>()
  let lastId = 0
  const failed = new Promise<Error>((resolve) => {
    worker.once('error', (cause) => resolve(new Error('the Nym client failed', { cause })))
    worker.once('exit', () => resolve(new Error('the Nym client stopped')))
  })
  void failed.then((error) => {
    for (const { reject } of pending.values()) reject(error)
    pending.clear()
  })

  const address = await new Promise<string>((resolve, reject) => {
    const abort = () => reject(signal?.reason)
    signal?.addEventListener('abort', abort, { once: true })
    void failed.then(reject)
    worker.on('message', (report: Report) => {
      switch (report.type) {
        case 'ready':
          signal?.removeEventListener('abort', abort)
          return resolve(report.address)
        case 'message':
          return onMessage({ payload: report.payload, senderTag: report.senderTag })
        case 'done':
          pending.get(report.id)?.resolve()
          return pending.delete(report.id)
        case 'failed':
          pending.get(report.id)?.reject(new WasmClientRefusedError(report.reason))
          return pending.delete(report.id)
      }
    })
  }).catch(async (error: unknown) => {
    await worker.terminate()
    throw error
  })

  function order(what: DistributiveOmit<Order, 'id'>): Promise<void> {
    if (pending.size >= MAX_PENDING_ORDERS)
      return Promise.reject(new Error('the Nym client is too far behind'))
    const id = ++lastId
    return new Promise((resolve, reject) => {
      pending.set(id, { resolve, reject })
      worker.postMessage({ ...what, id })
    })
  }

  return {
    address,
    send: (to, payload) => order({ do: 'send', to, payload }),
    sendAnonymous: (to, payload, replySurbs) => order({ do: 'sendAnonymous', to, payload, replySurbs }),
    reply: (senderTag, payload) => order({ do: 'reply', senderTag, payload }),
    failed,
    // free() would leave its timers running: only the end of the thread ends the client.
    stop: async () => void (await worker.terminate()),
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never
