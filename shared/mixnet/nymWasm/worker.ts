/**
 * One Nym client in a thread of its own: it takes 6 to 7 ms of CPU for each packet, and only the end of its thread stops it.
 */
import { createRequire } from 'node:module'
import { parentPort, workerData } from 'node:worker_threads'
import { sealConfig } from '../link/sealedConfig.ts'
import { type MixnetAddress, MixnetError } from '../Mixnet.ts'
import { installBrowserGlobals } from './browserGlobals.ts'
import { dumpIdentity, restoreIdentity } from './identity.ts'
import type { FromWorker, ToWorker, WorkerTask } from './messages.ts'
import { readSenderTag } from './readSenderTag.ts'

const clientPackage = '@nymproject/nym-client-wasm-node'
const clientVersion = '1.4.1'
const task = workerData as WorkerTask

const say = (message: FromWorker, transfer: ArrayBuffer[] = []) => parentPort?.postMessage(message, transfer)

/** The client logs its own address: nothing of what it says is passed on. A panic is its end. */
for (const level of ['debug', 'error', 'info', 'log', 'trace', 'warn'] as const) {
  console[level] = (...words: unknown[]) => {
    if (level === 'error' && words.some((word) => String(word).includes('panicked at'))) say({ type: 'lost' })
  }
}

try {
  let connected = false
  const isSocketOpen = await installBrowserGlobals(() => {
    if (connected) say({ type: 'lost' })
  })
  const version: unknown = createRequire(import.meta.url)(`${clientPackage}/package.json`).version
  if (version !== clientVersion) {
    throw new MixnetError('unsealed', `Veilcast knows the memory of ${clientPackage} ${clientVersion} only.`)
  }
  const { default: nym } = (await import('@nymproject/nym-client-wasm-node')) as unknown as {
    default: NymModule
  }

  const receive = (message: Uint8Array, senderTag?: AnonymousSenderTag) => {
    try {
      const payload = message.slice()
      if (!senderTag) return say({ type: 'received', payload }, [payload.buffer])
      const replyTo = readSenderTag(nym.__wasm.memory.buffer, senderTag.__wbg_ptr)
      senderTag.free()
      say({ type: 'received', payload, replyTo }, [payload.buffer])
    } catch (error) {
      fail(error)
    }
  }

  const gateway = task.identity ? await restoreIdentity(task.identity) : task.preferredGateway
  if (task.preferredGateway !== undefined && gateway !== task.preferredGateway) {
    throw new MixnetError(
      'unreachable',
      'The identity is registered at another gateway than the preferred one.',
    )
  }
  const { override, assertRead } = sealConfig(task.traffic)
  const starting = new nym.NymClient(receive, {
    clientId: 'veilcast',
    nymApiUrl: task.nymApiUrl,
    forceTls: task.forceTls,
    ...(gateway === undefined ? {} : { preferredGateway: gateway }),
    clientOverride: override,
  })
  assertRead()
  const client = await starting
  const address = client.selfAddress() as MixnetAddress
  connected = true
  if (!isSocketOpen()) throw new Error('The gateway closed the connection.')

  parentPort?.on('message', ({ id, message }: ToWorker) => {
    const { payload, to } = message
    const sending =
      message.kind === 'reply'
        ? client.send_reply(payload, to)
        : message.surbs === 0
          ? client.send_regular_message(payload, to)
          : client.send_anonymous_message(payload, to, message.surbs)
    sending.then(
      () => say({ type: 'taken', id }),
      () => say({ type: 'refused', id }),
    )
  })
  say({
    type: 'connected',
    address,
    ...(task.dumpIdentity ? { identity: await dumpIdentity(address) } : {}),
  })
} catch (error) {
  fail(error)
}

function fail(error: unknown): void {
  const missing = (error as NodeJS.ErrnoException | undefined)?.code
  if (missing === 'ERR_MODULE_NOT_FOUND' || missing === 'MODULE_NOT_FOUND') {
    const text = `The Nym client is not installed: npm install ${clientPackage}@${clientVersion} fake-indexeddb`
    say({ type: 'failed', kind: 'unreachable', text })
    return
  }
  const kind = error instanceof MixnetError ? error.kind : undefined
  say({ type: 'failed', kind, text: error instanceof Error ? error.message : String(error) })
}

interface AnonymousSenderTag {
  readonly __wbg_ptr: number
  free(): void
}

/** What we use of the client, as it is: the constructor returns a promise, and the wasm instance is an undeclared export. */
interface NymModule {
  readonly __wasm: { readonly memory: WebAssembly.Memory }
  readonly NymClient: new (
    receive: (message: Uint8Array, senderTag?: AnonymousSenderTag) => void,
    options: object,
  ) => Promise<{
    selfAddress(): string
    send_regular_message(payload: Uint8Array, to: string): Promise<unknown>
    send_anonymous_message(payload: Uint8Array, to: string, surbs: number): Promise<unknown>
    send_reply(payload: Uint8Array, tag: string): Promise<unknown>
  }>
}
