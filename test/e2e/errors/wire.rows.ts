import type { ClientOptions, VeilcastClient } from '@veilcast/client'
import type { Anvil } from '@veilcast/devnet'
import { findVeilcastError } from '@veilcast/shared/errors'
import type { MixnetListener } from '@veilcast/shared/mixnet'
import {
  encodeRequest,
  maxMessageBytes,
  newRequestId,
  parseChainId,
  type RequestBody,
  type RequestId,
} from '@veilcast/shared/protocol'
import { hexToBytes } from 'viem'
import { signEthTransfer } from '../../support/devnetSign.ts'
import type { RawDialer } from '../../support/rawDialer.ts'
import type { TcpGate } from '../../support/tcpGate.ts'
import { until } from '../../support/until.ts'
import type { ErrorRow, ErrorScene } from './errorRow.ts'

/** A broadcaster over a store that can be cut off, which takes 6 waiting transactions, 2 of one account. */
export interface WireScene extends ErrorScene {
  readonly anvil: Anvil
  readonly raw: RawDialer
  readonly store: TcpGate
  /** Submits, and remembers the bytes. */
  submit(signedTx: `0x${string}`, more?: { until?: 'accepted'; timeoutMs?: number }): Promise<unknown>
  readonly client: VeilcastClient
  /** Another client of the same broadcaster, for one question. */
  withClient<T>(options: Partial<ClientOptions>, ask: (client: VeilcastClient) => Promise<T>): Promise<T>
}

export const limits = { maxWaitingPerChain: 6, maxWaitingPerAccount: 2 }

/** A chain whose adapter throws what no adapter should. */
export const buggyChain = 'eip155:4242'

const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds
const info = (id: RequestId = newRequestId()) => encodeRequest({ id, surbs: 2, body: { kind: 'info' } })

function changed(message: Uint8Array, at: number, to: number): Uint8Array {
  const bytes = message.slice()
  bytes[at] = to
  return bytes
}

function submitOf(chain: string, signedTx: `0x${string}` | Uint8Array, notAfter = inSeconds(60)) {
  return {
    kind: 'submit',
    until: 'included',
    everyStage: false,
    notAfter,
    chain: parseChainId(chain),
    signedTx: typeof signedTx === 'string' ? hexToBytes(signedTx) : signedTx,
  } as const satisfies RequestBody
}

function transfer(anvil: Anvil, account = 0, more: object = {}): Promise<`0x${string}`> {
  const [from, to] = [anvil.accounts[account]!, anvil.accounts[8]!.address]
  return signEthTransfer(anvil, { from, to, valueWei: 1n, ...more })
}

/** While nothing is mined. */
async function halted<T>({ anvil }: WireScene, play: () => Promise<T>): Promise<T> {
  await anvil.setAutomine(false)
  try {
    return await play()
  } finally {
    await anvil.setAutomine(true)
    await anvil.mine()
  }
}

/** While as many wait for one transaction as the broadcaster remembers. */
function crowded<T>(scene: WireScene, play: (signedTx: `0x${string}`) => Promise<T>): Promise<T> {
  return halted(scene, async () => {
    const signedTx = await transfer(scene.anvil)
    const ask = () => scene.raw.request(submitOf(scene.anvil.chainId, signedTx))
    await ask()
    await Promise.all(Array.from({ length: 63 }, ask))
    return play(signedTx)
  })
}

/** A transport with no limit of its own: what fills a message to the last byte arrives with one more. */
export function withoutLimit(listener: MixnetListener): MixnetListener {
  return {
    ...listener,
    async *requests() {
      for await (const { payload, ...rest } of listener.requests()) {
        const longer = payload.length < maxMessageBytes ? payload : Buffer.concat([payload, Buffer.alloc(1)])
        yield { payload: longer, ...rest }
      }
    },
  }
}

export const wireRows: readonly ErrorRow<WireScene>[] = [
  {
    input: 'a message with a byte left over',
    error: 'malformedMessage',
    outcome: 'notSent',
    retry: 'never',
    text: 'The broadcaster could not read the message.',
    provoke: ({ raw }) => raw.ask(Buffer.concat([info(), Buffer.alloc(1)])),
  },
  {
    input: 'a submit that was cut off in its chain id',
    error: 'malformedMessage',
    outcome: 'notSent',
    retry: 'never',
    text: 'The broadcaster could not read the message.',
    async provoke({ raw, anvil }) {
      const body = submitOf(anvil.chainId, await transfer(anvil))
      return raw.ask(encodeRequest({ id: newRequestId(), surbs: 2, body }).subarray(0, 28))
    },
  },
  {
    input: 'a version that does not exist yet',
    error: 'unsupportedVersion',
    outcome: 'notSent',
    retry: 'otherBroadcaster',
    values: { supported: 1n },
    text: 'The broadcaster speaks protocol version 1.',
    provoke: ({ raw }) => raw.ask(changed(info(), 0, 2)),
  },
  ...[0x00, 0x05, 0x7f, 0x81, 0xff].map(
    (kind): ErrorRow<WireScene> => ({
      input: `the kind ${kind}`,
      error: 'unknownKind',
      outcome: 'notSent',
      retry: 'otherBroadcaster',
      text: 'The broadcaster does not know this kind of message.',
      provoke: ({ raw }) => raw.ask(changed(info(), 18, kind)),
    }),
  ),
  {
    input: 'a message of 1 MiB and a byte',
    error: 'messageTooLarge',
    outcome: 'notSent',
    retry: 'never',
    values: { limitBytes: 1_048_576n, sizeBytes: 1_048_577n },
    text: 'The message has 1048577 bytes; the broadcaster takes 1048576.',
    provoke: ({ raw }) => raw.ask(Buffer.concat([info(), Buffer.alloc(maxMessageBytes - info().length)])),
  },
  {
    input: 'the request id of another transaction',
    error: 'requestIdReused',
    outcome: 'unknown',
    retry: 'never',
    text: 'This request id was used for another transaction.',
    provoke: (scene) =>
      halted(scene, async () => {
        const { raw, anvil } = scene
        const id = newRequestId()
        await raw.request(submitOf(anvil.chainId, await transfer(anvil, 0)), id)
        return raw.request(submitOf(anvil.chainId, await transfer(anvil, 1)), id)
      }),
  },
  {
    input: 'a status under an id that was never given',
    error: 'unknownRequest',
    outcome: 'unknown',
    retry: 'sameRequest',
    text: 'The broadcaster knows no such request.',
    provoke: ({ client }) => client.status({ submitId: '00'.repeat(16) }, { timeoutMs: 5_000 }),
  },
  {
    input: 'a submit that a 65th asker waits for',
    error: 'busy',
    outcome: 'unknown',
    retry: 'later',
    values: { retryAfterMs: 5_000n },
    text: 'The broadcaster has no room at the moment.',
    provoke: (scene) =>
      crowded(scene, (signedTx) => scene.raw.request(submitOf(scene.anvil.chainId, signedTx))),
  },
  {
    input: 'the same from a client, which asks again until its time is up',
    error: 'replyTimeout',
    outcome: 'unknown',
    retry: 'sameRequest',
    values: { waitedMs: 'any' },
    text: /^No answer came within \d+ ms\.$/,
    cause: 'busy',
    provoke: (scene) => crowded(scene, (signedTx) => scene.submit(signedTx, { timeoutMs: 1_500 })),
  },
  {
    input: 'a read while eight others of the same wallet hang',
    error: 'busy',
    outcome: 'notSent',
    retry: 'later',
    values: { retryAfterMs: 2_000n },
    text: 'The broadcaster has no room at the moment.',
    async provoke({ raw, endpoint, anvil }) {
      const read = () =>
        raw.request({
          kind: 'read',
          chain: parseChainId(anvil.chainId),
          reads: [{ method: 'eth_gasPrice', params: new TextEncoder().encode('[]') }],
        })
      endpoint.set({ mode: 'hang', methods: ['eth_gasPrice'] })
      const hanging = Array.from({ length: 8 }, () => read().catch(() => undefined))
      try {
        return await read()
      } finally {
        endpoint.set({ mode: 'pass' })
        await Promise.all(hanging)
      }
    },
  },
  {
    input: 'a submit while the store cannot be reached',
    error: 'storeUnavailable',
    outcome: 'unknown',
    retry: 'otherBroadcaster',
    text: 'The broadcaster cannot reach its store.',
    handed: false,
    async provoke({ store, submit, anvil }) {
      const signedTx = await transfer(anvil)
      store.shut()
      try {
        return await submit(signedTx)
      } finally {
        store.open()
      }
    },
  },
  {
    input: 'a status while the store cannot be reached',
    error: 'storeUnavailable',
    outcome: 'unknown',
    retry: 'otherBroadcaster',
    text: 'The broadcaster cannot reach its store.',
    async provoke({ store, client }) {
      store.shut()
      try {
        return await client.status({ submitId: '00'.repeat(16) }, { timeoutMs: 5_000 })
      } finally {
        store.open()
      }
    },
  },
  {
    input: 'a submit that meets a bug',
    error: 'internal',
    outcome: 'unknown',
    retry: 'later',
    text: 'Something went wrong inside the broadcaster.',
    provoke: async ({ raw, anvil }) => raw.request(submitOf(buggyChain, await transfer(anvil))),
  },
  {
    input: 'the same from a client, which asks again until its time is up',
    error: 'replyTimeout',
    outcome: 'unknown',
    retry: 'sameRequest',
    values: { waitedMs: 'any' },
    text: /^No answer came within \d+ ms\.$/,
    cause: 'internal',
    provoke: async ({ client, anvil }) =>
      client.submit({ chain: buggyChain, signedTx: await transfer(anvil) }, { timeoutMs: 1_500 }),
  },
  {
    input: 'a chain that is not served',
    error: 'chainNotServed',
    outcome: 'notSent',
    retry: 'otherBroadcaster',
    text: 'The broadcaster does not serve this chain.',
    provoke: async ({ client, anvil }) =>
      client.submit({ chain: 'eip155:5', signedTx: await transfer(anvil) }),
  },
  {
    input: 'a wallet whose clock is an hour behind',
    error: 'notAfterPassed',
    outcome: 'notSent',
    retry: 'never',
    values: { notAfter: 'any', now: 'any' },
    text: /^The transaction was to be sent by \d{10}; it was \d{10} \(seconds since 1970\)\.$/,
    provoke: ({ withClient, anvil }) =>
      withClient({ now: () => Date.now() - 3_600_000 }, async (client) =>
        client.submit({ chain: anvil.chainId, signedTx: await transfer(anvil) }),
      ),
  },
  {
    input: 'a wallet whose clock is a day ahead',
    error: 'notAfterTooFar',
    outcome: 'notSent',
    retry: 'never',
    values: { maxSeconds: 86_400n },
    text: 'notAfter lies more than 86400 seconds ahead.',
    provoke: ({ withClient, anvil }) =>
      withClient({ now: () => Date.now() + 86_400_000 }, async (client) =>
        client.submit({ chain: anvil.chainId, signedTx: await transfer(anvil) }),
      ),
  },
  {
    input: 'a third transaction of an account with two waiting',
    error: 'accountBacklogFull',
    outcome: 'notSent',
    retry: 'later',
    values: { waiting: 2n, limit: 2n },
    text: 'This account has 2 transactions waiting; the broadcaster takes 2.',
    provoke: (scene) =>
      halted(scene, async () => {
        const nonce = Number(
          await scene.anvil.rpc<string>('eth_getTransactionCount', [
            scene.anvil.accounts[0]!.address,
            'latest',
          ]),
        )
        for (const ahead of [0, 1]) {
          await scene.submit(await transfer(scene.anvil, 0, { nonce: nonce + ahead }), { until: 'accepted' })
        }
        scene.submitted.length = 0
        return scene.submit(await transfer(scene.anvil, 0, { nonce: nonce + 2 }))
      }),
  },
  {
    input: 'a seventh transaction while six wait',
    error: 'backlogFull',
    outcome: 'notSent',
    retry: 'otherBroadcaster',
    values: { waiting: 6n, limit: 6n },
    text: 'The broadcaster has 6 transactions waiting; it takes 6.',
    provoke: (scene) =>
      halted(scene, async () => {
        for (const account of [0, 1, 2, 3, 4, 5]) {
          const signedTx = await transfer(scene.anvil, account)
          // One of the row before may still count as waiting.
          await until(
            () =>
              scene.submit(signedTx, { until: 'accepted' }).then(
                () => true,
                (error: unknown) => {
                  if (findVeilcastError(error)?.errorName === 'backlogFull') return false
                  throw error
                },
              ),
            200,
          )
        }
        scene.submitted.length = 0
        return scene.submit(await transfer(scene.anvil, 6))
      }),
  },
]
