import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import type { SubmitParameters, VeilcastClient } from '@veilcast/client'
import { type Anvil, type CosmosChain, startAnvil, startCosmosChain } from '@veilcast/devnet'
import { createLoopback, type Loopback } from '@veilcast/shared/mixnet/loopback'
import { decodeReply, encodeRequest, newRequestId, parseChainId } from '@veilcast/shared/protocol'
import * as fc from 'fast-check'
import { type Hex, hexToBytes, keccak256 } from 'viem'
import { cosmosOrSkip } from '../support/devnetCosmos.ts'
import { signMsgSend } from '../support/devnetSign.ts'
import { type FaultyEndpoint, startFaultyEndpoint } from '../support/faultyEndpoint.ts'
import {
  anvilSetup,
  cosmosSetup,
  embeddedStore,
  makeFolder,
  startTestBroadcaster,
  startTestClient,
  type TestBroadcaster,
} from '../support/path.ts'
import { newAccount, signAt } from '../support/submitStage.ts'
import { until } from '../support/until.ts'

const startLimitMs = 120_000
const runLimitMs = 90_000
/** As long as may be: what hangs is not to be given up meanwhile. */
const requestTimeoutMs = 60_000

/** Seconds since 1970. A busy machine has to have handed the transaction over by then, where a test wants that. */
const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds

type ReplyBody = ReturnType<typeof decodeReply>['body']

/** Requests and replies overtake each other all the time. */
const weather = { seed: 12, delayMs: { min: 1, max: 120 } }

function shuffled<T>(items: readonly T[]): T[] {
  const all = { minLength: items.length, maxLength: items.length }
  return fc.sample(fc.shuffledSubarray([...items], all), { numRuns: 1, seed: 3 })[0]!
}

describe('lanes on an EVM chain', () => {
  let anvil: Anvil
  let proxy: FaultyEndpoint
  let folder: Awaited<ReturnType<typeof makeFolder>>
  let broadcaster: TestBroadcaster | undefined
  let client: VeilcastClient | undefined
  let loopback: Loopback
  let sentBefore = 0

  beforeAll(async () => {
    anvil = await startAnvil({ blockTimeMs: 200 })
    proxy = await startFaultyEndpoint(anvil.rpcUrl)
  }, startLimitMs)
  afterEach(async () => {
    proxy.set({ mode: 'pass' })
    await anvil.setBlockTime(1_000)
    await client?.stop()
    await broadcaster?.stop()
    await folder?.remove()
  }, startLimitMs)
  afterAll(async () => {
    await proxy?.stop()
    await anvil?.stop()
  })

  async function start(
    limits: Parameters<typeof startTestBroadcaster>[0]['limits'] = {},
  ): Promise<VeilcastClient> {
    folder = await makeFolder()
    loopback = createLoopback(weather)
    sentBefore = proxy.calls('eth_sendRawTransaction')
    const more = { requestTimeoutMs, finality: { rule: 'confirmations', confirmations: 1 } }
    broadcaster = await startTestBroadcaster({
      listener: loopback.listener(),
      store: embeddedStore(folder.path),
      chains: [anvilSetup(anvil, proxy.url, more)],
      limits,
    })
    client = await startTestClient(loopback.dialer(), [broadcaster.address()])
    return client
  }

  async function funded() {
    const account = newAccount()
    await anvil.rpc('anvil_setBalance', [account.address, '0x56bc75e2d63100000'])
    return account
  }
  const run = async (count: number, first = 0): Promise<Hex[]> => {
    const account = await funded()
    return Promise.all(Array.from({ length: count }, (_, index) => signAt(account, first + index)))
  }
  const stopMining = async () => {
    await anvil.setBlockTime(0)
    await anvil.setAutomine(false)
  }

  it(
    'ten senders with shuffled runs of twenty nonces: all included, while an eleventh waits for its endpoint',
    async () => {
      const { submit } = await start()
      const runs = await Promise.all(Array.from({ length: 10 }, () => run(20)))
      const [stuck, behind] = (await run(2)) as [Hex, Hex]
      proxy.set({ mode: 'hang', methods: ['eth_sendRawTransaction'], holding: stuck })
      let moved = 0
      const eleventh = [stuck, behind].map(async (signedTx) => {
        const receipt = await submit({ chain: anvil.chainId, signedTx })
        moved++
        return receipt
      })
      await until(() => proxy.hanging() === 1)
      const hungAtMs = Date.now()

      const receipts = await Promise.all(
        shuffled(runs.flat()).map((signedTx) => submit({ chain: anvil.chainId, signedTx })),
      )
      expect(receipts.every(({ ok }) => ok)).toBe(true)
      expect(new Set(receipts.map(({ txId }) => txId))).toEqual(
        new Set(runs.flat().map((raw) => keccak256(raw))),
      )
      // None of the two hundred came after it, and what is behind it did not go past it.
      await until(() => proxy.hanging() === 1)
      expect(moved).toBe(0)
      // Each of them left us once, and so did the one that hangs, but for each time that its endpoint was given up.
      const givenUp = Math.floor((Date.now() - hungAtMs) / requestTimeoutMs)
      const sends = proxy.bodies().filter((body) => body.includes('eth_sendRawTransaction'))
      const timesSent = (raw: Hex): number => sends.filter((body) => body.includes(raw)).length
      expect(runs.flat().map(timesSent)).toEqual(Array(200).fill(1))
      const sent = proxy.calls('eth_sendRawTransaction') - sentBefore
      expect(sent).toBeGreaterThanOrEqual(201)
      expect(sent).toBeLessThanOrEqual(201 + givenUp)

      proxy.set({ mode: 'pass' })
      proxy.release()
      expect((await Promise.all(eleventh)).map(({ ok }) => ok)).toEqual([true, true])
      expect(proxy.calls('eth_sendRawTransaction') - sentBefore).toBe(sent + 2)
    },
    runLimitMs,
  )

  it(
    'an underpriced replacement: told as not decided, then that the other has replaced it',
    async () => {
      const { submit, status } = await start()
      await stopMining()
      const account = await funded()
      const first = await signAt(account, 0)
      const second = await signAt(account, 0, { value: 2n })
      await submit({ chain: anvil.chainId, signedTx: first, until: 'accepted' })
      await until(async () => (await anvil.rpc('eth_getTransactionByHash', [keccak256(first)])) !== null)
      let submitId = ''
      const refused = submit(
        { chain: anvil.chainId, signedTx: second },
        {
          onProgress({ requestId }) {
            submitId = requestId
          },
        },
      )
      await expect(refused).rejects.toMatchObject({
        errorName: 'replacementUnderpriced',
        outcome: 'unknown',
        retry: 'later',
      })
      await expect(status({ submitId, until: 'included' }, { timeoutMs: 1 })).rejects.toMatchObject({
        outcome: 'unknown',
      })
      await anvil.setBlockTime(1_000)
      expect((await submit({ chain: anvil.chainId, signedTx: first })).ok).toBe(true)
      await until(async () => {
        const error: unknown = await status({ submitId, until: 'final' }).catch((error: unknown) => error)
        return (error as { errorName?: string }).errorName === 'replaced'
      })
      await expect(status({ submitId, until: 'final' })).rejects.toMatchObject({
        errorName: 'replaced',
        outcome: 'onChain',
      })
    },
    runLimitMs,
  )

  it(
    'thirty-two wait of one account and forty of the chain: what is more is not taken, nor sent',
    async () => {
      await start({ maxWaitingPerChain: 40, maxWaitingPerAccount: 32 })
      await stopMining()
      const one = await run(40)
      const full = { outcome: 'notSent', number: 25, values: [32n, 32n] }
      expect(failures(await firstWords(one))).toEqual(Array(8).fill(full))
      const chainFull = { outcome: 'notSent', number: 24, values: [40n, 40n] }
      expect(failures(await firstWords(await run(20)))).toEqual(Array(12).fill(chainFull))
      expect(await broadcaster!.store.records.countLive(parseChainId(anvil.chainId))).toBe(40)
      await until(() => proxy.calls('eth_sendRawTransaction') - sentBefore === 40)
      const onChain = await Promise.all(
        one.map((raw) => anvil.rpc('eth_getTransactionByHash', [keccak256(raw)])),
      )
      expect(onChain.filter((found) => found === null)).toHaveLength(8)
    },
    runLimitMs,
  )

  it(
    'notAfter passes for what was handed over: unknown, and included after all when somebody else sends it',
    async () => {
      const { submit, status } = await start()
      const signedTx = await signAt(await funded(), 0)
      // The endpoint has the bytes, and the chain has not.
      proxy.set({ mode: '500', methods: ['eth_sendRawTransaction'] })
      let submitId = ''
      const lapsing = submit(
        { chain: anvil.chainId, signedTx, notAfter: inSeconds(10) },
        {
          onProgress({ requestId }) {
            submitId = requestId
          },
        },
      )
      const lapsed = expect(lapsing).rejects.toMatchObject({ errorName: 'lapsed', outcome: 'unknown' })
      const ended = lapsing.catch(() => true)
      await until(async () => {
        await reconcile()
        return (await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 300))])) === true
      })
      await lapsed
      const sent = proxy.calls('eth_sendRawTransaction')
      expect(sent).toBeGreaterThan(0)
      expect(await anvil.rpc('eth_getTransactionByHash', [keccak256(signedTx)])).toBeNull()

      await anvil.rpc('eth_sendRawTransaction', [signedTx])
      const receipt = await untilIncluded(() => status({ submitId, until: 'included' }))
      expect(receipt).toMatchObject({ stage: expect.stringMatching(/included|final/), ok: true })
      expect(proxy.calls('eth_sendRawTransaction')).toBe(sent)
    },
    runLimitMs,
  )

  /** What is said first to each of these, all sent at once. */
  async function firstWords(raws: readonly Hex[]): Promise<ReplyBody[]> {
    const dialer = loopback.dialer()
    await dialer.start()
    const chainId = parseChainId(anvil.chainId)
    const notAfter = inSeconds(600)
    for (const raw of raws) {
      const body = { kind: 'submit', until: 'accepted', everyStage: false, notAfter } as const
      const signedTx = hexToBytes(raw)
      const message = encodeRequest({
        id: newRequestId(),
        surbs: 1,
        body: { ...body, chain: chainId, signedTx },
      })
      await dialer.send(broadcaster!.address(), message, 1)
    }
    const words: ReplyBody[] = []
    for await (const reply of dialer.replies()) {
      words.push(decodeReply(reply).body)
      if (words.length === raws.length) break
    }
    await dialer.stop()
    return words
  }

  function failures(words: readonly ReplyBody[]) {
    return words.flatMap((body) => {
      if (body.kind !== 'failure') return []
      const { outcome, number, values } = body.error
      return [{ outcome, number, values }]
    })
  }

  /** Its run of every half minute, now. */
  const reconcile = () => runReconcile(broadcaster!)
})

cosmosOrSkip('lanes on a Cosmos chain', () => {
  let chain: CosmosChain
  let proxy: FaultyEndpoint
  let folder: Awaited<ReturnType<typeof makeFolder>>
  let broadcaster: TestBroadcaster
  let client: VeilcastClient
  const maxLaneWaitMs = 6_000

  beforeAll(async () => {
    chain = await startCosmosChain({ blockTimeMs: 200 })
    proxy = await startFaultyEndpoint(chain.rpcUrl)
    folder = await makeFolder()
    const loopback = createLoopback(weather)
    broadcaster = await startTestBroadcaster({
      listener: loopback.listener(),
      store: embeddedStore(folder.path),
      chains: [cosmosSetup(chain, proxy.url)],
      limits: { maxLaneWaitMs },
    })
    client = await startTestClient(loopback.dialer(), [broadcaster.address()])
  }, startLimitMs)
  afterAll(async () => {
    await client?.stop()
    await broadcaster?.stop()
    await proxy?.stop()
    await chain?.stop()
    await folder?.remove()
  }, startLimitMs)

  /** Transfers of one account, from `ahead` of its next sequence on. */
  async function sign(
    account: number,
    count: number,
    ahead = 0,
  ): Promise<{ next: number; txs: Uint8Array[] }> {
    const from = chain.accounts[account]!
    const to = chain.accounts[(account + 1) % 4]!.address
    const { account: found } = await readAccount(from.address)
    const next = Number(found.sequence)
    const accountNumber = Number(found.account_number)
    const txs = await Promise.all(
      Array.from({ length: count }, (_, index) =>
        signMsgSend(chain, { from, to, amount: 1, sequence: next + ahead + index, accountNumber }),
      ),
    )
    return { next, txs }
  }
  async function readAccount(address: string) {
    const { StargateClient } = await import('@cosmjs/stargate')
    const reader = await StargateClient.connect(chain.rpcUrl)
    try {
      const { sequence, accountNumber } = await reader.getSequence(address)
      return { account: { sequence, account_number: accountNumber } }
    } finally {
      reader.disconnect()
    }
  }
  const submit = (signedTx: Uint8Array, more: Partial<SubmitParameters> = {}) =>
    client.submit({ chain: chain.chainId, signedTx, ...more })
  const handed = () => proxy.calls('broadcast_tx_sync')

  it(
    'two of one account in the wrong order, and shuffled runs of three others while it waits: all included',
    async () => {
      const [first, second] = (await sign(0, 2)).txs as [Uint8Array, Uint8Array]
      const runs = await Promise.all([1, 2, 3].map((account) => sign(account, 8)))
      await submit(second, { until: 'accepted' })
      const before = handed()
      const receipts = await Promise.all(shuffled(runs.flatMap(({ txs }) => txs)).map((tx) => submit(tx)))
      expect(receipts.map(({ ok }) => ok)).toEqual(receipts.map(() => true))
      expect(handed() - before).toBe(24)
      const both = await Promise.all([submit(second), submit(first)])
      expect(both.map(({ ok }) => ok)).toEqual([true, true])
      expect(handed() - before).toBe(26)
    },
    runLimitMs,
  )

  it(
    'a gap that never fills: not sent, with the expected number and its own, and the lane moves on',
    async () => {
      const before = handed()
      const patient = await sign(0, 2, 1)
      const hurried = await sign(1, 1, 3)
      const notAfter = inSeconds(3)
      const gap = ({ next }: { next: number }, got: number) => ({
        errorName: 'sequenceGap',
        outcome: 'notSent',
        values: { expected: BigInt(next), got: BigInt(got) },
      })
      await Promise.all([
        expect(submit(patient.txs[0]!)).rejects.toMatchObject(gap(patient, patient.next + 1)),
        expect(submit(patient.txs[1]!)).rejects.toMatchObject(gap(patient, patient.next + 2)),
        // Its own notAfter is earlier than the longest wait.
        expect(submit(hurried.txs[0]!, { notAfter })).rejects.toMatchObject(gap(hurried, hurried.next + 3)),
      ])
      expect(handed()).toBe(before)
      // What was missing comes after all, then the rest again.
      const missing = await sign(0, 1)
      const receipts = await Promise.all([...patient.txs, ...missing.txs].map((tx) => submit(tx)))
      expect(receipts.map(({ ok }) => ok)).toEqual([true, true, true])
    },
    runLimitMs,
  )

  it(
    'notAfter passes while the chain is halted: notSent of what nobody had, unknown of what an endpoint had',
    async () => {
      const exposed = await sign(2, 1)
      const held = await sign(3, 1, 1)
      const notAfter = inSeconds(10)
      // The endpoint has the bytes and does not pass them on.
      proxy.set({ mode: '500', methods: ['broadcast_tx_sync'] })
      const before = handed()
      let submitId = ''
      let told = false
      const ofExposed = submit(exposed.txs[0]!, { notAfter }).catch((error: unknown) => error)
      const ofHeld = client
        .submit(
          { chain: chain.chainId, signedTx: held.txs[0]!, notAfter },
          {
            onProgress({ requestId }) {
              submitId = requestId
            },
          },
        )
        .catch((error: unknown) => error)
      void ofExposed.then(() => {
        told = true
      })
      await until(() => handed() > before && submitId !== '')
      await chain.halt()
      expect(await ofHeld).toMatchObject({ errorName: 'lapsed', outcome: 'notSent' })
      await until(() => Date.now() / 1000 > notAfter + 1)
      const sent = handed()
      await runReconcile(broadcaster)
      // Its time has passed by our clock; by the chain's nobody can say before the chain goes on.
      expect(told).toBe(false)

      await chain.resume()
      proxy.set({ mode: 'pass' })
      await until(async () => {
        await runReconcile(broadcaster)
        await new Promise((resolve) => setTimeout(resolve, 300))
        return told
      })
      expect(await ofExposed).toMatchObject({ errorName: 'lapsed', outcome: 'unknown' })
      expect(handed()).toBe(sent)

      // Whoever had the bytes passes them on now: that overrides it.
      await chain.rpc('broadcast_tx_sync', { tx: Buffer.from(exposed.txs[0]!).toString('base64') })
      const receipt = await untilIncluded(() => submit(exposed.txs[0]!, { notAfter: notAfter + 600 }))
      expect(receipt.ok).toBe(true)
    },
    runLimitMs,
  )
})

async function runReconcile({ store }: TestBroadcaster): Promise<void> {
  await store.queues.queue('reconcile').add('reconcile', {}, { removeOnComplete: true, removeOnFail: true })
}

async function untilIncluded<T>(ask: () => Promise<T>): Promise<T> {
  let receipt: T | undefined
  await until(async () => {
    receipt = await ask().catch(() => undefined)
    return receipt !== undefined
  }, 200)
  return receipt!
}
