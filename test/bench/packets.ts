import { setTimeout as sleep } from 'node:timers/promises'
import { createClient, type VeilcastClient } from '@veilcast/client'
import {
  type Anvil,
  type CosmosChain,
  CosmosChainUnavailable,
  startAnvil,
  startCosmosChain,
} from '@veilcast/devnet'
import { type Localnet, startLocalnet, startWasmClient } from '@veilcast/localnet'
import { createNymWasmDialer } from '@veilcast/shared/mixnet/nym-wasm'
import { hexToBytes } from 'viem'
import { signEthTransfer, signMsgSend } from '../support/devnetSign.ts'
import { makeFolder } from '../support/path.ts'
import type { Bench, BenchContext } from './Bench.ts'
import { median } from './quantile.ts'
import { nymWasmOf, runBroadcaster } from './runBroadcaster.ts'
import { type Stops, withStops } from './stops.ts'

export const packets: Bench = {
  name: 'packets',
  title: 'Packets and SURBs per transaction',
  question: `What a transaction costs the wallet and the broadcaster with \`until: included\`: the data packets and SURBs as
the local Nym network counted them, each the median of several transactions on chain. The network counts cover apart; it and
pacing are off here, since a client that waits for its processor takes acknowledgements for lost, and repeats. The floor is
one packet up and one for each answer. Beside it, a client as it comes: the same message with ten SURBs attached, Nym's
default of ten SURBs that a receiver keeps back and of 500 that it may ask for, and two answers as short as ours; once from a
client that the service has not met before, as a wallet is that does not want its transactions linked, and once later.`,
  async run(context) {
    const leftOut: string[] = []
    const ours = await withStops((stops) => measureOurs(context, stops, leftOut))
    const naive = await withStops((stops) => measureNaive(context, stops, ours))
    const rows = ours.map((one, at) => ({ ...one, naive: naive[at] as Naive }))
    const typical = rows.filter(({ typical }) => typical)
    return {
      tables: [
        {
          title: '',
          columns: [
            { name: 'transaction' },
            { name: 'signed', unit: 'bytes' },
            { name: 'SURBs' },
            { name: 'packets up' },
            { name: 'answers' },
            { name: 'packets back' },
            { name: 'naive, first: up' },
            { name: 'back' },
            { name: 'naive, later: up' },
            { name: 'back' },
          ],
          rows: rows.map(({ name, signedBytes, surbs, up, answers, back, naive: { first, later } }) => [
            name,
            signedBytes,
            surbs,
            up,
            answers,
            back,
            first.up,
            first.back,
            later.up,
            later.back,
          ]),
        },
      ],
      ratios: typical.flatMap(({ name, up, answers, back }) => [
        { name: `${name}: packets up`, value: up, floor: 'one packet', aim: 1, limit: 1, better: 'lower' },
        {
          name: `${name}: packets back per answer`,
          value: back / answers,
          floor: 'one packet',
          aim: 1,
          limit: 1,
          better: 'lower',
        },
      ]),
      charts: [
        {
          kind: 'bar',
          name: 'typical',
          title: 'Data packets of a transaction, both ways',
          y: { title: 'packets' },
          categories: typical.map(({ name }) => name),
          series: [
            { name: 'Veilcast', values: typical.map(({ up, back }) => up + back) },
            { name: 'naive, first contact', values: typical.map(({ naive: { first } }) => sum(first)) },
            { name: 'naive, later', values: typical.map(({ naive: { later } }) => sum(later)) },
          ],
          marks: [{ name: 'floor', value: 3 }],
        },
        {
          kind: 'line',
          name: 'sizes',
          title: 'Data packets up, over the size of the transaction',
          x: { title: 'signed transaction, bytes', log: true },
          y: { title: 'packets up', log: true },
          series: [
            { name: 'Veilcast', points: rows.map(({ signedBytes, up }) => [signedBytes, up]) },
            {
              name: 'naive, first contact',
              points: rows.map(({ signedBytes, naive: { first } }) => [signedBytes, first.up]),
            },
          ],
          marks: [{ name: 'floor', value: 1 }],
        },
      ],
      notes: [
        'Packets up of a naive client hold the SURBs that its service asked for; packets back hold those questions.',
      ],
      leftOut,
    }
  },
}

interface Cost {
  readonly up: number
  readonly back: number
}

interface Ours extends Cost {
  readonly name: string
  readonly typical: boolean
  readonly signedBytes: number
  readonly messageBytes: number
  readonly surbs: number
  readonly answers: number
}

interface Kind {
  readonly name: string
  readonly typical: boolean
  readonly chain: string
  sign(): Promise<Uint8Array>
}

const bare = { disableCoverTraffic: true, disablePacing: true }

/** For those packets to arrive that nobody waits for. */
const settleMs = 600

async function measureOurs(context: BenchContext, stops: Stops, leftOut: string[]): Promise<readonly Ours[]> {
  const { say, signal, quick } = context
  const localnet = await startLocalnet()
  stops.add(localnet.stop)
  const anvil = await startAnvil({ blockTimeMs: 500, signal })
  stops.add(anvil.stop)
  const cosmos = await startCosmos(context, leftOut)
  if (cosmos) stops.add(cosmos.stop)
  const folder = await makeFolder()
  stops.add(folder.remove)
  const broadcaster = await runBroadcaster(
    folder.path,
    {
      dataDir: 'data',
      mixnet: { ...nymWasmOf(localnet), ...bare },
      store: { kind: 'embedded' },
      http: { port: 0 },
      logLevel: 'warn',
      chains: [
        {
          chain: anvil.chainId,
          endpoints: [{ id: 'anvil', url: anvil.rpcUrl }],
          finality: { rule: 'finalized' },
          pollIntervalMs: 250,
        },
        ...(cosmos
          ? [
              {
                chain: cosmos.chainId,
                bech32Prefix: cosmos.bech32Prefix,
                endpoints: [{ id: 'simd', url: cosmos.rpcUrl }],
                pollIntervalMs: 250,
              },
            ]
          : []),
      ],
    },
    signal,
  )
  stops.add(broadcaster.stop)
  const client = createClient({
    mixnet: createNymWasmDialer({ ...nymWasmOf(localnet), ...bare }),
    broadcasters: [broadcaster.address],
  })
  await client.start({ signal })
  stops.add(client.stop)

  const measured: Ours[] = []
  for (const kind of kindsOf(anvil, cosmos, quick)) {
    const samples: Ours[] = []
    for (let sample = 0; sample < (quick ? 1 : 3); sample++) {
      samples.push(await submitOne(localnet, client, broadcaster.address, kind, signal))
    }
    const [one] = samples
    if (!one) continue
    measured.push({ ...one, ...middle(samples) })
    say(`${kind.name}: ${one.signedBytes} bytes, ${measured.at(-1)?.up} up, ${measured.at(-1)?.back} back`)
  }
  return measured
}

async function startCosmos(
  { signal, say }: BenchContext,
  leftOut: string[],
): Promise<CosmosChain | undefined> {
  try {
    return await startCosmosChain({ signal, onProgress: say })
  } catch (error) {
    if (!(error instanceof CosmosChainUnavailable)) throw error
    leftOut.push(`the Cosmos chain (${error.message})`)
    return undefined
  }
}

function kindsOf(anvil: Anvil, cosmos: CosmosChain | undefined, quick: boolean): readonly Kind[] {
  const evm = (name: string, typical: boolean, data?: `0x${string}`): Kind => ({
    name,
    typical,
    chain: anvil.chainId,
    async sign() {
      const [from, to] = anvil.accounts
      if (!from || !to) throw new Error('anvil has no accounts')
      const gas = 60_000n + 40n * BigInt(data?.length ?? 0)
      const transfer = { from, to: to.address, valueWei: data ? 0n : 10n ** 17n, gas }
      return hexToBytes(await signEthTransfer(anvil, { ...transfer, ...(data && { data }) }))
    },
  })
  const msgSend = (chain: CosmosChain): Kind => ({
    name: 'Cosmos MsgSend',
    typical: true,
    chain: chain.chainId,
    sign: async () => {
      const [from, to] = chain.accounts
      if (!from || !to) throw new Error('the chain has no accounts')
      return signMsgSend(chain, { from, to: to.address, amount: 1000 })
    },
  })
  return [
    evm('EIP-1559 transfer', true),
    // transfer(address,uint256)
    evm(
      'ERC-20 transfer',
      true,
      `0xa9059cbb${'00'.repeat(12)}${'ab'.repeat(20)}${'00'.repeat(24)}${'cd'.repeat(8)}`,
    ),
    ...(cosmos ? [msgSend(cosmos)] : []),
    ...(quick ? [500, 4_000] : [500, 1_000, 2_000, 4_000, 8_000, 24_000]).map((bytes) =>
      evm(`call with ${bytes.toLocaleString('en')} bytes of data`, false, `0x${'7e'.repeat(bytes)}`),
    ),
  ]
}

async function submitOne(
  localnet: Localnet,
  client: VeilcastClient,
  broadcaster: string,
  kind: Kind,
  signal: AbortSignal,
): Promise<Ours> {
  const signedTx = await kind.sign()
  await sleep(settleMs, undefined, { signal })
  const before = costs(localnet, broadcaster)
  const receipt = await client.submit({ chain: kind.chain, signedTx, until: 'included' }, { signal })
  if (receipt.ok !== true) throw new Error(`${kind.name} was not executed.`)
  await sleep(settleMs, undefined, { signal })
  return {
    name: kind.name,
    typical: kind.typical,
    signedBytes: signedTx.length,
    messageBytes: signedTx.length + envelopeBytes + kind.chain.length,
    surbs: receipt.messages.surbs,
    answers: receipt.messages.received,
    ...difference(before, costs(localnet, broadcaster)),
  }
}

/** Around the chain id and the signed bytes: shared/protocol/SPEC.md. */
const envelopeBytes = 26

/** Data packets of the service, and of everybody else. */
function costs(localnet: Localnet, service: string): Cost {
  const serviceId = service.split('.', 1)[0] ?? ''
  let up = 0
  let back = 0
  for (const [id, { dataPacketsUp }] of Object.entries(localnet.counters().clients)) {
    if (id === serviceId) back += dataPacketsUp
    else up += dataPacketsUp
  }
  return { up, back }
}

interface Naive {
  readonly first: Cost
  readonly later: Cost
}

const naiveSurbs = 10
const naiveAnswers = 2
const naiveAnswerBytes = 120
const naiveGapMs = 500
const naiveLimitMs = 60_000

/** Nym's own defaults for SURBs, where the project's clients are sealed. */
const unsealed = {
  minimumReplySurbStorageThreshold: 10,
  maximumAllowedReplySurbRequestSize: 500,
  cover: false,
  pacing: false,
}

async function measureNaive(
  { say, signal, quick }: BenchContext,
  stops: Stops,
  ours: readonly Ours[],
): Promise<readonly Naive[]> {
  const localnet = await startLocalnet()
  stops.add(localnet.stop)
  const service = await startWasmClient({
    ...localnet,
    ...unsealed,
    signal,
    onMessage({ senderTag }) {
      if (!senderTag) return
      for (let answer = 0; answer < naiveAnswers; answer++) {
        setTimeout(() => void service.reply(senderTag, Buffer.alloc(naiveAnswerBytes)), answer * naiveGapMs)
      }
    },
  })
  stops.add(service.stop)

  const measured: Naive[] = []
  for (const { name, messageBytes } of ours) {
    const [first, later]: [Cost[], Cost[]] = [[], []]
    for (let sample = 0; sample < (quick ? 1 : 3); sample++) {
      await withStops(async (own) => {
        let heard = 0
        const wallet = await startWasmClient({
          ...localnet,
          ...unsealed,
          signal,
          onMessage: () => void heard++,
        })
        own.add(wallet.stop)
        for (const contact of [first, later]) {
          const before = costs(localnet, service.address)
          heard = 0
          await wallet.sendAnonymous(service.address, Buffer.alloc(messageBytes, 7), naiveSurbs)
          const untilMs = performance.now() + naiveLimitMs
          while (heard < naiveAnswers) {
            if (performance.now() > untilMs) throw new Error('The naive client had no answer.')
            await sleep(20, undefined, { signal })
          }
          await sleep(settleMs, undefined, { signal })
          contact.push(difference(before, costs(localnet, service.address)))
        }
      })
    }
    measured.push({ first: middle(first), later: middle(later) })
    say(`naive, a message of ${name}: ${JSON.stringify(measured.at(-1))}`)
  }
  return measured
}

function sum({ up, back }: Cost): number {
  return up + back
}

function difference(before: Cost, after: Cost): Cost {
  return { up: after.up - before.up, back: after.back - before.back }
}

function middle(costs: readonly Cost[]): Cost {
  return { up: median(costs.map(({ up }) => up)), back: median(costs.map(({ back }) => back)) }
}
