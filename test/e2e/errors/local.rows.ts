import {
  type ClientOptions,
  createClient,
  createMemoryJournal,
  findVeilcastError,
  type VeilcastClient,
} from '@veilcast/client'
import type { Anvil } from '@veilcast/devnet'
import type { MixnetListener } from '@veilcast/shared/mixnet'
import type { Loopback } from '@veilcast/shared/mixnet/loopback'
import { createEvmNode } from '../../../client/dist/evm/createEvmNode.js'
import { signEthTransfer } from '../../support/devnetSign.ts'
import type { ErrorRow, ErrorScene } from './errorRow.ts'

/** What a wallet can bring about without, or against, its broadcaster. */
export interface LocalScene extends ErrorScene {
  readonly anvil: Anvil
  readonly client: VeilcastClient
  readonly loopback: Loopback
  /** Takes messages and answers none. */
  readonly silent: MixnetListener
}

async function transfer({ anvil }: LocalScene) {
  const [from, to] = [anvil.accounts[4]!, anvil.accounts[8]!.address]
  return { chain: anvil.chainId, signedTx: await signEthTransfer(anvil, { from, to, valueWei: 1n }) }
}

/** With a client, started or not, whose only broadcaster is silent. */
async function alone(
  { loopback, silent }: LocalScene,
  play: (client: VeilcastClient) => Promise<unknown>,
  isStarted = true,
  options: Partial<ClientOptions> = {},
): Promise<unknown> {
  const client = createClient({ mixnet: loopback.dialer(), broadcasters: [silent.address()], ...options })
  if (isStarted) await client.start()
  try {
    return await play(client)
  } finally {
    await client.stop()
  }
}

/** While no dialer can reach the mixnet. */
async function cutOff(scene: LocalScene, play: () => Promise<unknown>): Promise<unknown> {
  scene.loopback.set({ unreachable: true })
  try {
    return await play()
  } finally {
    scene.loopback.set({})
  }
}

const timeout = {
  values: { waitedMs: 'any' },
  text: /^No answer came within \d+ ms\.$/,
} as const

export const localRows: readonly ErrorRow<LocalScene>[] = [
  {
    input: 'a chain id without a colon',
    error: 'invalidArgument',
    outcome: 'notSent',
    retry: 'never',
    text: 'An argument is not valid.',
    provoke: async (scene) => scene.client.submit({ ...(await transfer(scene)), chain: 'ethereum' }),
  },
  {
    input: 'a notAfter that has passed',
    error: 'invalidArgument',
    outcome: 'notSent',
    retry: 'never',
    text: 'An argument is not valid.',
    provoke: async (scene) => scene.client.submit({ ...(await transfer(scene)), notAfter: new Date(0) }),
  },
  {
    input: 'random bytes in place of a transaction',
    error: 'malformedTransaction',
    outcome: 'notSent',
    retry: 'never',
    text: 'The bytes are no signed transaction of this chain family.',
    async provoke(scene) {
      const { chain } = await transfer(scene)
      return scene.client.submit({
        chain,
        signedTx: crypto.getRandomValues(new Uint8Array(200)).fill(2, 0, 1),
      })
    },
  },
  {
    input: 'a client that was not started',
    error: 'notStarted',
    outcome: 'notSent',
    retry: 'never',
    text: 'The client is not started.',
    provoke: (scene) => alone(scene, async (client) => client.submit(await transfer(scene)), false),
  },
  {
    input: 'a start without a mixnet',
    error: 'mixnetUnavailable',
    outcome: 'notSent',
    retry: 'later',
    text: 'The mixnet cannot be reached; nothing was sent.',
    provoke: (scene) => cutOff(scene, () => alone(scene, (client) => client.start(), false)),
  },
  {
    input: 'a submit while the mixnet is away',
    error: 'mixnetUnavailable',
    outcome: 'notSent',
    retry: 'later',
    text: 'The mixnet cannot be reached; nothing was sent.',
    provoke: async (scene) => {
      const parameters = await transfer(scene)
      return alone(scene, (client) => cutOff(scene, () => client.submit(parameters, { timeoutMs: 200 })))
    },
  },
  {
    input: 'a broadcaster that stays silent',
    error: 'replyTimeout',
    outcome: 'unknown',
    retry: 'sameRequest',
    ...timeout,
    provoke: (scene) =>
      alone(scene, async (client) => client.submit(await transfer(scene), { timeoutMs: 200 })),
  },
  {
    input: 'a question to a broadcaster that stays silent',
    error: 'replyTimeout',
    outcome: 'notSent',
    retry: 'sameRequest',
    ...timeout,
    provoke: (scene) => alone(scene, (client) => client.info({}, { timeoutMs: 200 })),
  },
  {
    input: 'an abort before anything is sent',
    error: 'abortedBeforeSending',
    outcome: 'notSent',
    retry: 'sameRequest',
    text: 'Aborted before anything was sent.',
    provoke: async (scene) => scene.client.submit(await transfer(scene), { signal: AbortSignal.abort() }),
  },
  {
    input: 'an abort while it waits',
    error: 'aborted',
    outcome: 'unknown',
    retry: 'sameRequest',
    text: 'The wait was aborted.',
    provoke: (scene) =>
      alone(scene, async (client) =>
        client.submit(await transfer(scene), { signal: AbortSignal.timeout(200) }),
      ),
  },
  {
    input: 'a stop while it waits',
    error: 'clientStopped',
    outcome: 'unknown',
    retry: 'sameRequest',
    text: 'The client was stopped while it waited.',
    provoke: (scene) =>
      alone(scene, async (client) => {
        const waiting = client.submit(await transfer(scene))
        waiting.catch(() => {})
        setTimeout(() => void client.stop(), 100)
        return waiting
      }),
  },
  {
    input: 'a request beside 1024 that wait',
    error: 'tooManyPending',
    outcome: 'notSent',
    retry: 'later',
    values: { limit: 1024n },
    text: '1024 requests are waiting already.',
    provoke: (scene) =>
      alone(scene, async (client) => {
        const parameters = await transfer(scene)
        for (let count = 0; count < 1024; count++) client.info().catch(() => {})
        return client.submit(parameters)
      }),
  },
  {
    input: 'a journal that is full',
    error: 'journalUnavailable',
    outcome: 'notSent',
    retry: 'later',
    text: "The wallet's journal cannot be read or written.",
    provoke: (scene) =>
      alone(scene, async (client) => client.submit(await transfer(scene)), true, {
        journal: createMemoryJournal({ maxBytes: 100 }),
      }),
  },
  {
    input: 'a fee of two ether, at the node that libraries speak to',
    error: 'feeAboveLimit',
    outcome: 'notSent',
    retry: 'never',
    text: 'The fee is above the limit that is set here.',
    async provoke({ anvil, client }) {
      const [from, to] = [anvil.accounts[4]!, anvil.accounts[8]!.address]
      const fees = { maxFeePerGas: 10n ** 14n, maxPriorityFeePerGas: 1n }
      const signedTx = await signEthTransfer(anvil, { from, to, valueWei: 1n, ...fees })
      const node = createEvmNode(client, { chain: anvil.chainId })
      return node
        .request({ method: 'eth_sendRawTransaction', params: [signedTx] })
        .catch((error: unknown) => Promise.reject(findVeilcastError(error) ?? error))
    },
  },
]
