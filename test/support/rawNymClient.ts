import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { base58 } from '@scure/base'
import { type Localnet, nymClientOptions } from '@veilcast/localnet'

/** Nym's own client under settings that nobody sealed: for a service that means harm, and for a wallet without protection. */
export interface RawNymClient {
  readonly address: string
  sendAnonymous(to: string, payload: Uint8Array, surbs: number): Promise<unknown>
  /** Messages that came with SURBs, each once. */
  next(): Promise<{ readonly payload: Uint8Array; readonly tag: string }>
  reply(tag: string, payload: Uint8Array): Promise<unknown>
  /** From now on it takes this address for its own. */
  claim(address: string): Promise<void>
  stop(): Promise<void>
}

/** @param replySurbs as `clientOverride.replySurbs` of the wasm client; Nym's defaults where it is empty */
export async function startRawNymClient(
  localnet: Localnet,
  replySurbs: Readonly<Record<string, number>> = {},
): Promise<RawNymClient> {
  const sealed = nymClientOptions(localnet, `raw-${Math.random()}`, {
    cover: false,
    pacing: false,
    averagePacketDelayMs: 1,
    ackWaitAdditionMs: 60_000,
  })
  const options = {
    ...sealed,
    clientOverride: { ...sealed.clientOverride, replySurbs: { freshSenderTags: false, ...replySurbs } },
  }
  const worker = new Worker(join(__dirname, 'rawNymClient.worker.cjs'), {
    workerData: { options },
    stdout: true,
    stderr: true,
    execArgv: [],
  })
  worker.stdout.resume()
  worker.stderr.resume()
  const waiting = new Map<number, (done: unknown) => void>()
  const messages: { payload: Uint8Array; tag: string }[] = []
  let wake = () => {}
  let orders = 0
  const address = await new Promise<string>((resolve, reject) => {
    worker.once('error', reject)
    worker.on('message', (message) => {
      if (message.type === 'ready') resolve(message.address)
      if (message.type === 'done') waiting.get(message.id)?.(message.done)
      if (message.type === 'message' && message.tag) {
        messages.push({ payload: message.payload, tag: base58.encode(Buffer.from(message.tag, 'hex')) })
        wake()
      }
    })
  })
  const order = (what: object) =>
    new Promise<unknown>((resolve) => {
      waiting.set(++orders, resolve)
      worker.postMessage({ ...what, id: orders })
    })

  return {
    address,
    sendAnonymous: (to, payload, surbs) => order({ do: 'sendAnonymous', to, payload, surbs }),
    reply: (tag, payload) => order({ do: 'reply', tag, payload }),
    async next() {
      for (;;) {
        const message = messages.shift()
        if (message) return message
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
    async claim(other) {
      const [from, to] = [keysOf(address), keysOf(other)]
      const changes = from.map((key, index) => [key, to[index]])
      const count = (await order({ do: 'rewrite', changes })) as number
      if (count < 2) throw new Error('The client keeps its address in another way.')
    },
    stop: async () => void (await worker.terminate()),
  }
}

/** Identity and encryption key; the gateway is the same for all on a local network. */
function keysOf(address: string): Uint8Array[] {
  return address
    .split('@', 1)[0]!
    .split('.')
    .map((key) => base58.decode(key))
}
