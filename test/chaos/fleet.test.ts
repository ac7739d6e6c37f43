import { performance } from 'node:perf_hooks'
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals'
import type { FleetStatus } from '@veilcast/broadcaster'
import { createClient, type Receipt, type VeilcastClient } from '@veilcast/client'
import { type Anvil, startAnvil } from '@veilcast/devnet'
import { createLoopback } from '@veilcast/shared/mixnet/loopback'
import { keccak256 } from 'viem'
import { quantile } from '../bench/quantile.ts'
import { fundSenders, signTransfers } from '../bench/transfers.ts'
import { type FakeNativeClient, startFakeNativeClient } from '../support/mixnetNativeClient.ts'
import { anvilSetup } from '../support/path.ts'
import { endAll, kill9 } from '../support/processes.ts'
import { type Fleet, makeFleet } from '../support/processFleet.ts'
import { describeWithRedis, startRedis } from '../support/store.ts'
import { until } from '../support/until.ts'

/** As many submissions as this, a thousand by default: VEILCAST_TEST_FLEET=10000. Figures are printed where it is set. */
const submissions = Number(process.env.VEILCAST_TEST_FLEET ?? 1_000)
const limitMs = 120_000 + submissions * 100
const wallets = 16
const accountsOfWallet = 8
const underWayOfAccount = 8
/** Not so soon that a repetition would be taken for a copy. */
const timing = { firstRepeatMs: 4_000, laterRepeatMs: 4_000, maxRepeatMs: 8_000 }

interface Answered {
  readonly hash: string
  readonly receipt: Receipt
  readonly tookMs: number
}

/** What is looked at of `/status.json`. */
interface SeenFleet {
  readonly troubles: readonly { readonly code: string; readonly subject: string; readonly detail: string }[]
  readonly status: Pick<FleetStatus, 'processes'>
}

describeWithRedis('two ingresses and two workers over one Redis, killed and added under way', () => {
  const loopback = createLoopback({ seed: 31 })
  let anvil: Anvil
  let redis: Awaited<ReturnType<typeof startRedis>>
  let fleet: Fleet
  let natives: FakeNativeClient[]
  const clients: VeilcastClient[] = []

  beforeAll(async () => {
    anvil = await startAnvil({ blockTimeMs: 500 })
    redis = await startRedis()
    fleet = await makeFleet({
      store: { kind: 'redis', url: redis.url },
      chains: [anvilSetup(anvil, anvil.rpcUrl, { pollIntervalMs: 250, probeIntervalMs: 1_000 })],
    })
    natives = await Promise.all([0, 1, 2].map(() => startFakeNativeClient(loopback)))
  }, limitMs)
  afterEach(endAll)
  afterAll(async () => {
    for (const client of clients) await client.stop()
    for (const native of natives ?? []) await native.stop()
    await redis?.stop()
    await anvil?.stop()
    await fleet?.remove()
  }, limitMs)

  async function startWallet(index: number): Promise<VeilcastClient> {
    // Half of them begin at the first, half at the second.
    const order = index % 2 === 0 ? [0, 1, 2] : [1, 0, 2]
    const client = createClient({
      mixnet: loopback.dialer(),
      broadcasters: order.map((place) => natives[place]!.address),
      timing,
    })
    clients.push(client)
    await client.start()
    return client
  }

  it(
    `${submissions} submissions: each is answered once and right, and is on chain once`,
    async () => {
      const ingress = (index: number) => fleet.start('ingress', [natives[index]!.url])
      const worker = () => fleet.start('worker')
      const [firstIngress, secondIngress, firstWorker, secondWorker] = await Promise.all([
        ingress(0),
        ingress(1),
        worker(),
        worker(),
      ])

      const senders = await fundSenders(anvil, wallets * accountsOfWallet)
      const perAccount = Math.ceil(submissions / senders.length)
      const signed = signTransfers(senders, submissions)
      const answered: Answered[] = []
      const failed: unknown[] = []
      const answers = new Map<string, number>()

      async function submit(client: VeilcastClient, signedTx: Uint8Array): Promise<void> {
        const hash = keccak256(signedTx)
        const startMs = performance.now()
        try {
          const receipt = await client.submit(
            { chain: anvil.chainId, signedTx, until: 'included' },
            {
              timeoutMs: limitMs,
              onProgress({ stage }) {
                if (stage === 'included' || stage === 'final') answers.set(hash, (answers.get(hash) ?? 0) + 1)
              },
            },
          )
          answered.push({ hash, receipt, tookMs: performance.now() - startMs })
        } catch (error) {
          failed.push(error)
        }
        for (const wait of waiting) {
          if (answered.length + failed.length >= wait.count) wait.go()
        }
      }
      const waiting: { readonly count: number; readonly go: () => void }[] = []
      const part = (share: number) =>
        new Promise<void>((go) => waiting.push({ count: submissions * share, go }))

      /** One account's transactions in order of nonce, a few at once. */
      async function sendAll(client: VeilcastClient, transactions: readonly Uint8Array[]): Promise<void> {
        const underWay = new Set<Promise<void>>()
        for (const signedTx of transactions) {
          const one = submit(client, signedTx).finally(() => underWay.delete(one))
          underWay.add(one)
          if (underWay.size >= underWayOfAccount) await Promise.race(underWay)
        }
        await Promise.all(underWay)
      }

      const startMs = performance.now()
      const opened = await Promise.all(Array.from({ length: wallets }, (_, index) => startWallet(index)))
      const sending = Promise.all(
        senders.map((_, index) =>
          sendAll(opened[index % wallets]!, signed.slice(index * perAccount, (index + 1) * perAccount)),
        ),
      )

      const told: string[] = []
      const say = (what: string) =>
        told.push(
          `${((performance.now() - startMs) / 1000).toFixed(1)} s, ${answered.length} answered: ${what}`,
        )

      await part(0.1)
      await kill9(firstWorker)
      say('a worker is killed, and another added')
      const thirdWorker = await worker()

      await part(0.25)
      await kill9(firstIngress)
      await natives[0]!.stop()
      say('an ingress is killed, its Nym client gone with it')

      await part(0.35)
      await ingress(2)
      say('an ingress is added')

      await part(0.5)
      await Promise.all([kill9(secondWorker), kill9(thirdWorker)])
      say('both workers are killed, and one added')
      const fourthWorker = await worker()

      await part(0.65)
      await kill9(secondIngress)
      say('an ingress is killed, and started anew on its Nym client')
      await ingress(1)

      await part(0.8)
      const lastWorker = await worker()
      fourthWorker.child.kill('SIGTERM')
      say('a worker is added, and one is stopped')
      expect((await fourthWorker.ended).code).toBe(0)

      await sending
      const tookS = (performance.now() - startMs) / 1000
      expect(failed).toEqual([])
      expect(answered).toHaveLength(submissions)
      expect(new Set(answers.values())).toEqual(new Set([1]))
      expect(answers.size).toBe(submissions)

      const chain = await readChain(anvil)
      const wrong = answered.filter(({ hash, receipt: { ok, txId, state } }) => {
        const heights = chain.get(hash) ?? []
        const told =
          state.stage === 'included' || state.stage === 'final' ? Number(state.inclusion.height) : -1
        return !ok || txId !== hash || heights.length !== 1 || heights[0] !== told
      })
      expect(wrong).toEqual([])
      expect(chain.size).toBe(submissions)

      // Any dashboard that is left tells who fell silent, and who is there; who said goodbye is neither.
      const killed = [firstWorker, firstIngress, secondWorker, thirdWorker, secondIngress]
      const look = async (): Promise<SeenFleet> => {
        const response = await fetch(`${lastWorker.dashboard}/status.json`)
        return (await response.json()) as SeenFleet
      }
      const gone = ({ troubles }: SeenFleet) => troubles.filter(({ code }) => code === 'processGone')
      await until(async () => gone(await look()).length === killed.length, 500)
      const seen = await look()
      expect(gone(seen).map(({ detail }) => detail.split(',')[0])).toEqual(
        expect.arrayContaining(['worker', 'ingress']),
      )
      const silent = new Set(gone(seen).map(({ subject }) => subject))
      const there = seen.status.processes.filter(({ report }) => !silent.has(report.name))
      expect(there.map(({ report: { role, state } }) => `${role} ${state}`).sort()).toEqual([
        'ingress ready',
        'ingress ready',
        'worker ready',
      ])

      if (process.env.VEILCAST_TEST_FLEET === undefined) return
      const took = answered.map(({ tookMs }) => tookMs / 1000)
      process.stderr.write(
        `${[
          ...told,
          `${submissions} in ${tookS.toFixed(1)} s, ${(submissions / tookS).toFixed(0)} a second`,
          `to \`included\`: p50 ${quantile(took, 0.5).toFixed(1)} s, p95 ${quantile(took, 0.95).toFixed(1)} s, at most ${Math.max(...took).toFixed(1)} s`,
        ].join('\n')}\n`,
      )
    },
    limitMs,
  )
})

/** By hash, each block that holds it. */
async function readChain(anvil: Anvil): Promise<ReadonlyMap<string, readonly number[]>> {
  const head = Number(await anvil.rpc<string>('eth_blockNumber'))
  const heights = new Map<string, number[]>()
  for (let height = 1; height <= head; height++) {
    const block = await anvil.rpc<{ transactions: string[] }>('eth_getBlockByNumber', [
      `0x${height.toString(16)}`,
      false,
    ])
    for (const hash of block.transactions) heights.set(hash, [...(heights.get(hash) ?? []), height])
  }
  return heights
}
