import { fromWireError } from '@veilcast/shared/errors'
import type { MixnetAddress, MixnetDialer } from '@veilcast/shared/mixnet'
import {
  decodeReply,
  encodeRequest,
  newRequestId,
  type Reply,
  type ReplyBody,
  type RequestBody,
  type RequestId,
} from '@veilcast/shared/protocol'
import { until } from './until.ts'

/** What lies below the client: bytes up, replies down, and nothing that is asked again. */
export interface RawDialer {
  /** Bytes as they are. @param surbs that are attached; what the message claims is its own affair */
  send(message: Uint8Array, surbs: number): Promise<void>
  /** Resolves with the body of the first reply to this id. */
  replyTo(id: RequestId): Promise<ReplyBody>
  /** Everything that came for this id so far. */
  repliesTo(id: Uint8Array): readonly Reply[]
  /** Sends the message, which can be answered, and throws the error that comes back. Resolves with any other reply. */
  ask(message: Uint8Array): Promise<ReplyBody>
  /** The same for a request that is well formed. */
  request(body: RequestBody, id?: RequestId): Promise<ReplyBody>
  stop(): Promise<void>
}

export async function startRawDialer(dialer: MixnetDialer, to: MixnetAddress): Promise<RawDialer> {
  await dialer.start()
  const byId = new Map<string, Reply[]>()
  const nameOf = (id: Uint8Array) => Buffer.from(id).toString('hex')
  const repliesTo = (id: Uint8Array): readonly Reply[] => byId.get(nameOf(id)) ?? []
  const listening = (async () => {
    for await (const bytes of dialer.replies()) {
      const reply = decodeReply(bytes)
      byId.set(nameOf(reply.id), [...repliesTo(reply.id), reply])
    }
  })()

  async function replyTo(id: RequestId): Promise<ReplyBody> {
    const before = repliesTo(id).length
    await until(() => repliesTo(id).length > before)
    return repliesTo(id)[before]!.body
  }

  async function ask(message: Uint8Array): Promise<ReplyBody> {
    const answer = replyTo(message.slice(1, 17) as RequestId)
    await dialer.send(to, message, 2)
    const body = await answer
    if (body.kind === 'failure') throw fromWireError(body.error)
    return body
  }

  return {
    send: (message, surbs) => dialer.send(to, message, surbs),
    replyTo,
    repliesTo,
    ask,
    request: (body, id = newRequestId()) => ask(encodeRequest({ id, surbs: 2, body })),
    async stop() {
      await dialer.stop()
      await listening
    },
  }
}
