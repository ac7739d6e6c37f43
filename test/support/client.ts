import { type ClientOptions, createClient, type Progress, type VeilcastClient } from '@veilcast/client'
import { wireError } from '@veilcast/shared/errors'
import type { MixnetListener } from '@veilcast/shared/mixnet'
import { createLoopback, type Loopback, type LoopbackDialer } from '@veilcast/shared/mixnet/loopback'
import {
  decodeRequest,
  encodeReadAnswers,
  encodeReply,
  type ReadAnswer,
  type ReplyBody,
  type Request,
  type StateReply,
  type SubmitRequest,
  type TxId,
  type TxState,
} from '@veilcast/shared/protocol'
import { keccak256, parseEther } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'

export const account = privateKeyToAccount(`0x${'11'.repeat(32)}`)
export const fees = { maxFeePerGas: 2_000_000_000n, maxPriorityFeePerGas: 1_000_000_000n } as const

/** A real EIP-1559 transfer. */
export async function signTransfer(nonce = 7) {
  const signedTx = await account.signTransaction({
    chainId: 1,
    nonce,
    to: `0x${'22'.repeat(20)}`,
    value: parseEther('0.1'),
    gas: 21_000n,
    ...fees,
  })
  const txId = keccak256(signedTx)
  return { chain: 'eip155:1', signedTx, txId, hash: Buffer.from(txId.slice(2), 'hex') as Uint8Array as TxId }
}

export const accepted = { stage: 'accepted', durability: 'fsync' } as const satisfies TxState
export const submitted = { stage: 'submitted', rejection: undefined } as const satisfies TxState
const inclusion = {
  family: 'evm',
  height: 12n,
  blockHash: new Uint8Array(32).fill(0xbb),
  transactionIndex: 0,
  ok: true,
  gasUsed: 21_000n,
  effectiveGasPrice: 1n,
  revertData: new Uint8Array(),
} as const
export const included = { stage: 'included', inclusion } as const satisfies TxState
export const final = { stage: 'final', inclusion } as const satisfies TxState
export const reverted = {
  stage: 'included',
  inclusion: { ...inclusion, ok: false, revertData: Uint8Array.of(8, 195, 121, 160) },
} as const satisfies TxState
export const failure = (...error: Parameters<typeof wireError>): ReplyBody => ({
  kind: 'failure',
  error: wireError(...error),
})

export const results = (...answers: ReadAnswer[]): ReplyBody => ({
  kind: 'results',
  packing: 'plain',
  answers: encodeReadAnswers({ height: 12n, freshMs: 0, answers }),
})

export interface Asked {
  readonly request: Request
  /** How many requests this broadcaster has had, this one included. */
  readonly count: number
  /** The hash of the first submit that came. */
  answer(body: ReplyBody, more?: { number?: number; incarnation?: number; id?: Uint8Array }): void
  state(state: TxState, number: number, more?: { incarnation?: number; txId?: TxId; id?: Uint8Array }): void
  raw(bytes: Uint8Array): void
}

/** A broadcaster that says what the test tells it to. */
export interface Scripted {
  readonly address: string
  readonly asked: Asked[]
  /** Replaces what it does with the next requests. */
  does(script: (asked: Asked) => void): void
  /** Resolves once so many requests have come. */
  had(count: number): Promise<Asked>
}

export interface Stage {
  readonly client: VeilcastClient
  readonly loopback: Loopback
  readonly dialer: LoopbackDialer
  readonly broadcasters: Scripted[]
  readonly progress: Progress[]
  readonly onProgress: (progress: Progress) => void
  readonly warnings: string[]
  close(): Promise<void>
}

/** Short enough to wait for. An answer that comes at once may come later than this on a busy machine: for tests of repetition. */
export const quick = { firstRepeatMs: 150, laterRepeatMs: 250, maxRepeatMs: 400 }
/** Nothing is repeated while a test runs: the default. */
export const patient = { firstRepeatMs: 600_000, laterRepeatMs: 600_000, maxRepeatMs: 600_000 }

/** A started client, the loopback, and scripted broadcasters that know the hash of what they are sent. */
export async function setStage(
  scripts: ((asked: Asked) => void)[],
  options: Partial<ClientOptions> = {},
  hash?: TxId,
): Promise<Stage> {
  const loopback = createLoopback({ seed: 1 })
  const dialer = loopback.dialer()
  const listeners = scripts.map((_, index) => loopback.listener(`broadcaster-${index}`))
  const broadcasters: Scripted[] = []
  for (const [index, listener] of listeners.entries()) {
    await listener.start()
    broadcasters.push(play(listener, scripts[index]!, hash))
  }
  const warnings: string[] = []
  const client = createClient({
    mixnet: dialer,
    broadcasters: broadcasters.map(({ address }) => address),
    timing: patient,
    logger: { warn: (message) => warnings.push(message) },
    ...options,
  })
  await client.start()
  const progress: Progress[] = []
  return {
    client,
    loopback,
    dialer,
    broadcasters,
    progress,
    onProgress: (event) => progress.push(event),
    warnings,
    async close() {
      await client.stop()
      for (const listener of listeners) await listener.stop()
    },
  }
}

function play(listener: MixnetListener, script: (asked: Asked) => void, hash?: TxId): Scripted {
  const asked: Asked[] = []
  const waiting: { count: number; resolve: (asked: Asked) => void }[] = []
  let current = script
  const serve = async () => {
    for await (const { payload, replyTo } of listener.requests()) {
      const request = decodeRequest(payload)
      const raw = (bytes: Uint8Array) => {
        if (replyTo) listener.reply(replyTo, bytes).catch(() => undefined)
      }
      const answer: Asked['answer'] = (body, { number = 0, incarnation = 1, id = request.id } = {}) =>
        raw(
          encodeReply({
            id: id as Request['id'],
            incarnation: new Uint8Array(8).fill(incarnation),
            number,
            body,
          }),
        )
      const one: Asked = {
        request,
        count: asked.length + 1,
        answer,
        raw,
        state: (state, number, { txId = hash!, ...more } = {}) =>
          answer({ kind: 'state', txId, state } satisfies StateReply, { number, ...more }),
      }
      asked.push(one)
      current(one)
      for (const waiter of waiting.splice(0)) {
        if (asked.length >= waiter.count) waiter.resolve(asked[waiter.count - 1]!)
        else waiting.push(waiter)
      }
    }
  }
  void serve()
  return {
    address: listener.address(),
    asked,
    does(next) {
      current = next
    },
    had: (count) =>
      new Promise((resolve) => {
        if (asked.length >= count) resolve(asked[count - 1]!)
        else waiting.push({ count, resolve })
      }),
  }
}

export const silent = () => undefined

export function submitBody(asked: Asked): SubmitRequest {
  if (asked.request.body.kind !== 'submit') throw new Error(`It was a ${asked.request.body.kind}.`)
  return asked.request.body
}

/** A dialer that keeps what is sent, and gives back whatever the test pushes, SURB or no SURB. */
export function createPushDialer() {
  const sent: Request[] = []
  const waiting: Uint8Array[] = []
  let wake: (() => void) | undefined
  let running = false
  return {
    sent,
    push(bytes: Uint8Array) {
      waiting.push(bytes)
      wake?.()
    },
    async start() {
      running = true
    },
    async stop() {
      running = false
      wake?.()
    },
    async send(_to: string, payload: Uint8Array) {
      sent.push(decodeRequest(payload))
    },
    async *replies() {
      while (running) {
        const bytes = waiting.shift()
        if (bytes) yield bytes
        else
          await new Promise<void>((resolve) => {
            wake = resolve
          })
      }
    },
  }
}
