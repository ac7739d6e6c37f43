import { bytesToHex, randomBytes } from '@noble/hashes/utils.js'
import { createBacklog, packetsOf } from '../link/backlog.ts'
import type { LinkEvents, OpenLink } from '../link/Link.ts'
import { packetMs, type SealedTraffic, sealConfig } from '../link/sealedConfig.ts'
import { untilAborted } from '../link/wait.ts'
import { MixnetError } from '../Mixnet.ts'
import { parseAddress } from '../parseAddress.ts'

/** What we use of `@nymproject/sdk-full-fat` 1.4.1. */
export interface NymSdk {
  createNymMixnetClient(): Promise<{
    readonly client: {
      start(options: object): Promise<void>
      rawSend(message: { payload: Uint8Array; recipient: string; replySurbs: number }): Promise<void>
    }
    readonly events: {
      subscribeToConnected(hear: (event: { args: { address?: string } }) => void): () => void
      subscribeToRawMessageReceivedEvent(hear: (event: { args: { payload: Uint8Array } }) => void): () => void
    }
  }>
}

export interface NymSdkTask {
  readonly nymApiUrl: string
  readonly preferredGateway: string | undefined
  readonly forceTls: boolean
  /** Undefined: an identity of this link alone, taken out of the browser's IndexedDB at its end. */
  readonly clientId: string | undefined
  readonly traffic: SealedTraffic
  readonly maxBacklogMs: number
}

export function openNymSdk(sdk: () => Promise<NymSdk>, task: NymSdkTask): OpenLink {
  return (events, signal) => connect(sdk, task, events, signal)
}

async function connect(
  sdk: () => Promise<NymSdk>,
  task: NymSdkTask,
  events: LinkEvents,
  signal: AbortSignal,
) {
  const { createNymMixnetClient } = await untilAborted(sdk(), signal)
  const clientId = task.clientId ?? `veilcast-${bytesToHex(randomBytes(8))}`
  const { worker, result } = withWorker(createNymMixnetClient)
  const close = async () => {
    worker?.terminate()
    if (task.clientId === undefined) await forget(clientId)
  }

  try {
    const { client, events: heard } = await untilAborted(result, signal)
    worker?.addEventListener('error', events.lost)
    heard.subscribeToRawMessageReceivedEvent(({ args }) => events.receive({ payload: args.payload }))
    const connected = new Promise<string>((resolve) => {
      heard.subscribeToConnected(({ args }) => resolve(args.address ?? ''))
    })
    const { override } = sealConfig(task.traffic)
    await client.start({
      clientId,
      nymApiUrl: task.nymApiUrl,
      forceTls: task.forceTls,
      ...(task.preferredGateway === undefined ? {} : { preferredGateway: task.preferredGateway }),
      clientOverride: override,
    })
    // The SDK tells a failure to the console only: it is the end of the wait.
    const address = parseAddress(await untilAborted(connected, signal))
    const backlog = createBacklog(packetMs(task.traffic))

    return {
      address,
      async carry(message: Parameters<typeof packetsOf>[0]) {
        if (message.kind === 'reply') throw new MixnetError('unreachable', 'The browser SDK cannot reply.')
        if (backlog.ms() > task.maxBacklogMs) {
          throw new MixnetError('overloaded', 'More is to be sent than the pacing lets out.')
        }
        backlog.add(packetsOf(message))
        await client.rawSend({ payload: message.payload, recipient: message.to, replySurbs: message.surbs })
      },
      close,
      backlogMs: backlog.ms,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** The SDK keeps its worker to itself, and only the worker's end stops a Nym client: the call creates it before it waits. */
function withWorker<T>(create: () => T): { readonly result: T; readonly worker: Worker | undefined } {
  const Native = globalThis.Worker
  let worker: Worker | undefined
  globalThis.Worker = class extends Native {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(url, options)
      worker = this
    }
  }
  try {
    return { result: create(), worker }
  } finally {
    globalThis.Worker = Native
  }
}

/** Takes the keys of one link out of the browser. */
async function forget(clientId: string): Promise<void> {
  for (const { name } of (await globalThis.indexedDB?.databases?.()) ?? []) {
    if (name?.includes(clientId)) indexedDB.deleteDatabase(name)
  }
}
