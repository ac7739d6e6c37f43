import { expect } from '@jest/globals'
import type { VeilcastClient } from '@veilcast/client'
import type { Anvil } from '@veilcast/devnet'
import { bytesToHex, hexToBytes } from 'viem'
import { signEthTransfer } from '../../support/devnetSign.ts'
import type { Fault, FaultMode } from '../../support/faultyEndpoint.ts'
import { until } from '../../support/until.ts'
import type { ErrorRow, ErrorScene } from './errorRow.ts'

/** A broadcaster whose one endpoint can be spoilt. */
export interface EndpointScene extends ErrorScene {
  readonly anvil: Anvil
  /** Of another chain. */
  readonly other: Anvil
  readonly client: VeilcastClient
  submit(signedTx: `0x${string}`, timeoutMs?: number): Promise<unknown>
  /** Resolves once the broadcaster says so of its chain. */
  untilLive(live: boolean): Promise<void>
}

function transfer({ anvil }: EndpointScene, account: number): Promise<`0x${string}`> {
  const [from, to] = [anvil.accounts[account]!, anvil.accounts[8]!.address]
  return signEthTransfer(anvil, { from, to, valueWei: 1n })
}

async function whileSpoilt<T>({ endpoint }: EndpointScene, fault: Fault, play: () => Promise<T>): Promise<T> {
  endpoint.set(fault)
  try {
    return await play()
  } finally {
    endpoint.set({ mode: 'pass' })
  }
}

const noLiveEndpoint = {
  error: 'noLiveEndpoint',
  outcome: 'notSent',
  retry: 'otherBroadcaster',
  text: 'The broadcaster has no live endpoint for this chain.',
} as const

const says: Readonly<Partial<Record<FaultMode, string>>> = {
  hang: 'hangs',
  html: 'answers with a page',
  429: 'answers 429',
  half: 'gives half an answer',
  500: 'answers 500',
  close: 'closes the connection',
  madeUpHash: 'makes up a hash',
}
const allModes = Object.keys(says) as FaultMode[]
/** What can be told from a healthy endpoint whatever it was asked. */
const modes = allModes.filter((mode) => mode !== 'madeUpHash')

export const endpointRows: readonly ErrorRow<EndpointScene>[] = [
  ...modes.map(
    (mode): ErrorRow<EndpointScene> => ({
      input: `an endpoint that ${says[mode]}, whatever it is asked`,
      ...noLiveEndpoint,
      async provoke(scene) {
        const signedTx = await transfer(scene, 0)
        return whileSpoilt(scene, { mode }, async () => {
          await scene.untilLive(false)
          return scene.submit(signedTx)
        })
      },
    }),
  ),
  {
    input: 'an endpoint that is on another chain',
    ...noLiveEndpoint,
    async provoke(scene) {
      const signedTx = await transfer(scene, 0)
      scene.endpoint.retarget(scene.other.rpcUrl)
      try {
        await scene.untilLive(false)
        return await scene.submit(signedTx)
      } finally {
        scene.endpoint.retarget(scene.anvil.rpcUrl)
      }
    },
  },
  {
    input: 'a read of an endpoint that is gone',
    ...noLiveEndpoint,
    provoke: (scene) =>
      whileSpoilt(scene, { mode: 'close' }, () =>
        scene.client.read({ chain: scene.anvil.chainId, method: 'eth_blockNumber' }),
      ),
  },
  ...allModes
    .filter((mode) => mode !== 'half')
    .map(
      (mode): ErrorRow<EndpointScene> => ({
        input: `an endpoint that ${says[mode]} when it is handed the transaction, and drops it`,
        error: 'replyTimeout',
        outcome: 'unknown',
        retry: 'sameRequest',
        values: { waitedMs: 'any' },
        text: /^No answer came within \d+ ms\.$/,
        handed: true,
        async provoke(scene) {
          const signedTx = await transfer(scene, 1)
          return whileSpoilt(scene, { mode, methods: ['eth_sendRawTransaction'] }, () =>
            scene
              .submit(signedTx, 1_000)
              .finally(() => until(() => scene.endpoint.had(hexToBytes(signedTx)))),
          )
        },
        // Nobody does anything: the broadcaster hands it over again.
        async afterwards({ submitted, submit }) {
          expect(await submit(bytesToHex(submitted[0]!), 20_000)).toMatchObject({ ok: true })
        },
      }),
    ),
]

/** Faults that come after the node has the bytes: no error at all. */
export const passedOn: readonly { readonly says: string; readonly fault: Fault }[] = [
  ...modes.map((mode) => ({ says: says[mode]!, fault: { mode, forward: true } })),
  { says: 'lies about the hash', fault: { mode: 'wrongHash' as const } },
]
