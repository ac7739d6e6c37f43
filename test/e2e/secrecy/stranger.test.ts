import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createVault, type Store } from '@veilcast/broadcaster'
import type { VeilcastClient } from '@veilcast/client'
import { type Anvil, startAnvil } from '@veilcast/devnet'
import type { MixnetAddress } from '@veilcast/shared/mixnet'
import { createLoopback, type LoopbackDialer } from '@veilcast/shared/mixnet/loopback'
import {
  decodeReply,
  encodeRequest,
  newRequestId,
  parseChainId,
  type RequestBody,
  toRequestId,
} from '@veilcast/shared/protocol'
import { hexToBytes, keccak256 } from 'viem'
import { signEthTransfer } from '../../support/devnetSign.ts'
import {
  anvilSetup,
  startTestBroadcaster,
  startTestClient,
  type TestBroadcaster,
} from '../../support/path.ts'
import { describeWithRedis, type StoreServer, startEmbedded, startRedis } from '../../support/store.ts'
import { type ToldApart, tellApart, withoutDrift } from '../../support/tellApart.ts'
import { until } from '../../support/until.ts'

const limitMs = 120_000
const each = 500
/** Less than one in a million runs falls below it twice where there is nothing to be told. */
const suspicious = 0.001
const endedTransactions = 70
const liveTransactions = 30

describe('a stranger, over embedded Postgres', () => strangerSuite(startEmbedded))
describeWithRedis('a stranger, over Redis', () => strangerSuite(startRedis))

function strangerSuite(startServer: () => Promise<StoreServer>): void {
  const secret = new Uint8Array(randomBytes(32))
  const vault = createVault(secret)
  /** Look-ups of these take longer by so much: what the classifier has to find. */
  let plantedMs = 0.3
  let spreadMs = 0
  const planted = new Set<string>()
  /** What was asked of the record. */
  const looked: string[] = []
  let anvil: Anvil
  let server: StoreServer
  let broadcaster: TestBroadcaster
  let owner: VeilcastClient
  let stranger: LoopbackDialer
  let replies: AsyncIterator<Uint8Array>
  /** Owners' request ids, and what passed through: some of it lives, most of it has ended. */
  const ours: { readonly requestId: string; readonly signedTx: `0x${string}` }[] = []
  const never: { readonly signedTx: `0x${string}` }[] = []

  beforeAll(async () => {
    anvil = await startAnvil()
    server = await startServer()
    const loopback = createLoopback({ seed: 1 })
    broadcaster = await startTestBroadcaster({
      listener: loopback.listener(),
      store: watched(server.open()),
      chains: [anvilSetup(anvil, anvil.rpcUrl, { finality: { rule: 'instant' } })],
      secret,
      limits: { maxWaitingPerChain: 4096, maxWaitingPerAccount: 64 },
    })
    owner = await startTestClient(loopback.dialer(), [broadcaster.address()])
    stranger = loopback.dialer()
    await stranger.start()
    replies = stranger.replies()[Symbol.asyncIterator]()
    await pass(endedTransactions, 0, 'final')
    await anvil.setAutomine(false)
    await pass(liveTransactions, endedTransactions, 'accepted')
    for (let nonce = 0; nonce < endedTransactions + liveTransactions; nonce++) {
      never.push({ signedTx: await sign(1 + (nonce % 5), Math.floor(nonce / 5), 2n) })
    }
  }, limitMs)
  afterAll(async () => {
    await owner?.stop()
    await stranger?.stop()
    await broadcaster?.stop()
    await server?.stop()
    await anvil?.stop()
  }, limitMs)

  const sign = (account: number, nonce: number, valueWei: bigint): Promise<`0x${string}`> =>
    signEthTransfer(anvil, {
      from: anvil.accounts[account]!,
      to: anvil.accounts[9]!.address,
      valueWei,
      nonce,
    })

  async function pass(count: number, from: number, waitUntil: 'final' | 'accepted'): Promise<void> {
    const signed = await Promise.all(
      Array.from({ length: count }, (_, index) => {
        const place = from + index
        return sign(1 + (place % 5), Math.floor(place / 5), 1n)
      }),
    )
    const receipts = await Promise.all(
      signed.map((signedTx) => owner.submit({ chain: anvil.chainId, signedTx, until: waitUntil })),
    )
    ours.push(...receipts.map(({ requestId }, index) => ({ requestId, signedTx: signed[index]! })))
  }

  /** The store as it is; but look-ups are noted, and planted ones delayed. */
  function watched(store: Store): Store {
    const records = new Proxy(store.records, {
      get(target, name, self) {
        const value: unknown = Reflect.get(target, name, self)
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => {
          looked.push(String(name))
          if (name === 'byRequest' && planted.has(String(args[0]))) stall(plantedMs)
          return (value as (...args: unknown[]) => unknown).apply(target, args)
        }
      },
    })
    return new Proxy(store, {
      get: (target, name, self) => (name === 'records' ? records : Reflect.get(target, name, self)),
    })
  }

  async function asked(body: RequestBody, id = newRequestId()): Promise<{ ms: number; value: Uint8Array }> {
    const message = encodeRequest({ id, surbs: 1, body })
    const address = broadcaster.address() as MixnetAddress
    const startedAt = performance.now()
    await stranger.send(address, message, 1)
    const { value } = await replies.next()
    return { ms: performance.now() - startedAt, value }
  }

  async function ask(body: RequestBody): Promise<{ ms: number; bytes: string }> {
    const id = newRequestId()
    const { ms, value } = await asked(body, id)
    return { ms, bytes: masked(value, id).toString('hex') }
  }

  const status = (submitId: Uint8Array): RequestBody => ({
    kind: 'status',
    until: 'accepted',
    everyStage: false,
    submitId: toRequestId(submitId),
  })

  /** All that can be guessed from a transaction's bytes: they are public once it is on chain. */
  function guesses(signedTx: `0x${string}`): Uint8Array[] {
    const hash = hexToBytes(keccak256(signedTx))
    const bytes = hexToBytes(signedTx)
    const sha256 = createHash('sha256').update(bytes).digest()
    return [
      hash.subarray(0, 16),
      hash.subarray(16),
      sha256.subarray(0, 16),
      bytes.subarray(-16),
      bytes.subarray(2, 18),
    ]
  }

  /** Asks both kinds in one random order, one after the other. */
  async function askBoth(a: readonly Uint8Array[], b: readonly Uint8Array[]) {
    const order = [...a.map((id) => ({ id, of: 'a' })), ...b.map((id) => ({ id, of: 'b' }))]
      .map((question) => ({ ...question, at: Math.random() }))
      .sort((one, other) => one.at - other.at)
    const answers: { ms: number; bytes: string }[] = []
    for (const { id } of order) answers.push(await ask(status(id)))
    const times = withoutDrift(answers.map(({ ms }) => ms))
    const of = <T>(list: readonly T[], kind: string): T[] =>
      list.filter((_, index) => order[index]!.of === kind)
    const sorted = [...times].sort((one, other) => one - other)
    return {
      aBytes: new Set(of(answers, 'a').map(({ bytes }) => bytes)),
      bBytes: new Set(of(answers, 'b').map(({ bytes }) => bytes)),
      /** What the middle half of all answers spans. */
      spreadMs: sorted[Math.floor(sorted.length * 0.75)]! - sorted[Math.floor(sorted.length * 0.25)]!,
      told: tellApart(of(times, 'a'), of(times, 'b')),
    }
  }

  it(
    'status about a transaction that passed through us: the same bytes and time as about one that never did',
    async () => {
      const aboutOurs = ours.flatMap(({ signedTx }) => guesses(signedTx))
      const aboutNever = never.flatMap(({ signedTx }) => guesses(signedTx))
      expect([aboutOurs.length, aboutNever.length]).toEqual([each, each])
      // A real difference is there the second time too.
      let told: ToldApart | undefined
      for (let attempt = 0; attempt < 2 && (told === undefined || told.pValue < suspicious); attempt++) {
        looked.length = 0
        const answers = await askBoth(aboutOurs, aboutNever)
        told = answers.told
        spreadMs = answers.spreadMs
        expect(answers.aBytes.size).toBe(1)
        expect(answers.bBytes).toEqual(answers.aBytes)
        expect(looked.filter((name) => name === 'byRequest')).toHaveLength(2 * each)
      }
      expect(told?.pValue).toBeGreaterThan(suspicious)
    },
    limitMs,
  )

  it(
    'the classifier finds 0.3 ms that one kind takes longer; where answers of one kind differ by more, half of that',
    async () => {
      plantedMs = Math.max(plantedMs, spreadMs / 2)
      const [a, b] = [ours, never].map((list) => list.flatMap(({ signedTx }) => guesses(signedTx)))
      for (const id of a!) planted.add(vault.requestMac(toRequestId(id)))
      const { told } = await askBoth(a!, b!)
      planted.clear()
      expect(told.pValue).toBeLessThan(suspicious)
    },
    limitMs,
  )

  it(
    'the classifier tells an owner from a stranger by time alone',
    async () => {
      const owners = ours.flatMap(({ requestId }) =>
        Array.from({ length: 5 }, () => hexToBytes(`0x${requestId}`)),
      )
      const strangers = never.flatMap(({ signedTx }) => guesses(signedTx))
      const { told, aBytes, bBytes } = await askBoth(owners, strangers)
      expect([...aBytes].filter((bytes) => bBytes.has(bytes))).toEqual([])
      expect(told.pValue).toBeLessThan(suspicious)
    },
    limitMs,
  )

  it('a request id that is off by one bit is a stranger’s', async () => {
    const unknown = await ask(status(randomBytes(16)))
    for (const { requestId } of ours) {
      const near = hexToBytes(`0x${requestId}`)
      const bit = Math.floor(Math.random() * 128)
      near[bit >> 3]! ^= 1 << (bit & 7)
      expect((await ask(status(near))).bytes).toEqual(unknown.bytes)
    }
  })

  it('reads and info never look at the record', async () => {
    // The block watcher and the poll look at it too, under names of their own.
    const looksUp = new Set(['get', 'byRequest', 'bySlot', 'admit', 'update', 'countLane'])
    await until(async () => (await broadcaster.store.queues.queue('submit').getActiveCount()) === 0)
    looked.length = 0
    const chain = parseChainId(anvil.chainId)
    for (const { signedTx } of [...ours.slice(0, 20), ...never.slice(0, 20)]) {
      const params = Buffer.from(JSON.stringify([keccak256(signedTx)]))
      await ask({ kind: 'read', chain, reads: [{ method: 'eth_getTransactionReceipt', params }] })
      await ask({ kind: 'info' })
    }
    expect(looked.filter((name) => looksUp.has(name))).toEqual([])
  })

  it('who submits the same bytes is told what became of them, and nothing of who else asked', async () => {
    const { signedTx, requestId } = ours[0]!
    const notAfter = Math.floor(Date.now() / 1000) + 600
    const chain = parseChainId(anvil.chainId)
    const { value } = await asked({
      kind: 'submit',
      until: 'included',
      everyStage: false,
      notAfter,
      chain,
      signedTx: hexToBytes(signedTx),
    })
    expect(decodeReply(value).body).toMatchObject({ kind: 'state', state: { stage: 'final' } })
    expect(Buffer.from(value).includes(Buffer.from(requestId, 'hex'))).toBe(false)
    expect((await owner.status({ submitId: requestId })).stage).toBe('final')
  })

  it('a stranger is told nothing later, and what lives goes on', async () => {
    await anvil.setAutomine(true)
    await anvil.mine()
    const last = ours.at(-1)!
    const receipt = await owner.status({ submitId: last.requestId, until: 'final' })
    expect(receipt.stage).toBe('final')
    const extra = await Promise.race([
      replies.next(),
      new Promise((resolve) => setTimeout(resolve, 300, 'none')),
    ])
    expect(extra).toBe('none')
  })
}

/** Without the request's own id and the incarnation, which is every reply's; the number is part of the answer. */
function masked(reply: Uint8Array, id: Uint8Array): Buffer {
  const bytes = Buffer.from(reply)
  const at = bytes.indexOf(id)
  if (at < 0) throw new Error('The answer is to another request.')
  bytes.fill(0, at, at + id.length)
  return bytes
}

function stall(ms: number): void {
  const endsAt = performance.now() + ms
  while (performance.now() < endsAt);
}
