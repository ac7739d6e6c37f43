import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { errorNameOf, type WireError, wireError } from '@veilcast/shared/errors'
import * as fc from 'fast-check'
import { type Hex, keccak256 } from 'viem'
import { StoreError } from '../../../broadcaster/dist/store/TxStore.js'
import { type FakeEvm, type SendAnswer, startFakeEvm } from '../../support/fakeEvm.ts'
import { withEmbeddedStore } from '../../support/store.ts'
import { newAccount, signAt, startSubmitStage } from '../../support/submitStage.ts'
import { until } from '../../support/until.ts'

type Stage = Awaited<ReturnType<typeof startSubmitStage>>

describe('submit', () => {
  const store = withEmbeddedStore()
  let nodes: FakeEvm[]
  let stage: Stage

  beforeEach(async () => {
    nodes = [await startFakeEvm(), await startFakeEvm()]
  })
  afterEach(async () => {
    await stage.stop()
    for (const node of nodes) await node.stop()
  })

  async function start(count: number, more: Parameters<typeof startSubmitStage>[2] = {}): Promise<void> {
    stage = await startSubmitStage(store(), nodes.slice(0, count), more)
  }
  const seen = (): Hex[] => nodes.flatMap((node) => node.seen)
  const idle = () => until(async () => (await stage.jobs()) === 0)
  const both = (onSend: FakeEvm['onSend']) => {
    for (const node of nodes) node.onSend = onSend
  }

  describe('order', () => {
    it('default: shuffled runs of ten senders go out once each, each in order, with a look per run', async () => {
      await start(2)
      const runs = await Promise.all(
        Array.from({ length: 10 }, async () => {
          const account = newAccount()
          return Promise.all(Array.from({ length: 20 }, (_, nonce) => signAt(account, nonce)))
        }),
      )
      const shuffled = fc.sample(fc.shuffledSubarray(runs.flat(), { minLength: 200, maxLength: 200 }), {
        numRuns: 1,
        seed: 5,
      })[0]!
      // All are on record before the first job runs, as a backlog is after a pause.
      const records = await Promise.all(shuffled.map((raw) => stage.admit(raw)))
      await Promise.all(records.map((record) => stage.addJob(record)))
      await until(() => seen().length >= 200)
      await idle()
      expect(seen()).toHaveLength(200)
      expect(new Set(seen())).toEqual(new Set(runs.flat().map((raw) => keccak256(raw))))
      for (const run of runs) {
        const hashes = run.map((raw) => keccak256(raw))
        // One endpoint has them all, as long as something of the sender is in flight.
        const at = nodes.filter((node) => node.seen.some((hash) => hashes.includes(hash)))
        expect(at).toHaveLength(1)
        expect(at[0]!.seen.filter((hash) => hashes.includes(hash))).toEqual(hashes)
      }
      expect(nodes.every((node) => node.seen.length > 0)).toBe(true)
      // 800, were each looked at by itself: four calls each. A look holds for a second, and a slow machine takes some more.
      expect(nodes[0]!.calls() + nodes[1]!.calls()).toBeLessThan(400)
    })

    it('behavior: forty senders whose endpoint does not answer hold up nobody else', async () => {
      await start(1)
      const stuck = new Map<Hex, () => void>()
      const accounts = Array.from({ length: 40 }, newAccount)
      const heads = await Promise.all(accounts.map((account) => signAt(account, 0)))
      nodes[0]!.onSend = (raw, hash) =>
        heads.includes(raw)
          ? new Promise((resolve) => stuck.set(hash, () => resolve({ result: hash })))
          : { result: hash }
      // One of them has as much behind it as one account may have.
      const behind = await Promise.all(
        Array.from({ length: 31 }, (_, index) => signAt(accounts[0]!, index + 1)),
      )
      for (const raw of [...heads, ...behind]) await stage.take(raw)
      await until(() => stuck.size === 40)

      const free = newAccount()
      const run = await Promise.all([0, 1, 2, 3, 4].map((nonce) => signAt(free, nonce)))
      for (const raw of run) await stage.take(raw)
      await until(() => run.every((raw) => nodes[0]!.seen.includes(keccak256(raw))))
      // All of it went out while the forty stood still, and nothing went past them in their own lanes.
      expect(stuck.size).toBe(40)
      expect(nodes[0]!.seen).toHaveLength(45)

      for (const release of stuck.values()) release()
      await until(() => nodes[0]!.seen.length === 76)
      await idle()
      expect(nodes[0]!.seen.slice(45)).toEqual(behind.map((raw) => keccak256(raw)))
    })

    it('behavior: what another record of the lane had handed over in vain is tried again by its job', async () => {
      await start(1)
      const account = newAccount()
      const run = await Promise.all([0, 1, 2].map((nonce) => signAt(account, nonce)))
      const [first, second, third] = run.map((raw) => keccak256(raw))
      let refusals = 2
      nodes[0]!.onSend = (_raw, hash) =>
        hash === second && refusals-- > 0
          ? { error: { code: -32000, message: 'txpool is full' } }
          : { result: hash }
      const records = await Promise.all(run.map((raw) => stage.admit(raw)))
      // Only the last has a job, as after a job was lost: it brings the others along, in order.
      await stage.addJob(records[2]!)
      await until(() => nodes[0]!.seen.includes(third!))
      await idle()
      expect(nodes[0]!.seen).toEqual([first, second, second, second, third])
    })
  })

  describe('what is told', () => {
    const nodeErrors = fc.record({
      code: fc.oneof(fc.constantFrom(-32000, -32003, -32005, -32010, -32601, -32603, 3, 429), fc.integer()),
      message: fc.oneof(
        fc.constantFrom(
          'nonce too low: next nonce 7, tx nonce 0',
          'already known',
          'replacement transaction underpriced',
          'transaction underpriced',
          'insufficient funds for gas * price + value',
          'intrinsic gas too low',
          'exceeds block gas limit',
          'max fee per gas less than block base fee',
          'tx fee (1.20 ether) exceeds the configured cap (1.00 ether)',
          'invalid chain id for signer: have 5 want 1',
          'invalid sender',
          'txpool is full',
          'method not found',
          'transaction type not supported',
          'oversized data',
        ),
        fc.string(),
      ),
    })
    const ends: fc.Arbitrary<SendAnswer> = fc.oneof(
      { weight: 4, arbitrary: nodeErrors.map((error): SendAnswer => ({ error })) },
      { weight: 2, arbitrary: fc.jsonValue().map((result): SendAnswer => ({ result })) },
      fc.jsonValue().map((error): SendAnswer => ({ error })),
      fc.constantFrom<SendAnswer>(
        (response, hash) => response.end(JSON.stringify({ jsonrpc: '2.0', id: 1, result: hash })),
        (response, hash) =>
          response.end(JSON.stringify({ jsonrpc: '2.0', id: 1, result: hash.replace(/.$/, 'x') })),
        (response) => response.end(JSON.stringify({ jsonrpc: '2.0', id: 1, result: `0x${'00'.repeat(32)}` })),
        (response) => response.setHeader('content-type', 'text/html').end('<h1>Bad gateway</h1>'),
        (response) => response.writeHead(429).end(),
        (response) => response.writeHead(500).end('{"jsonrpc":'),
        (response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
        (response) => {
          response.writeHead(200, { 'content-length': 100 })
          response.write('{"jsonrpc":"2.0","id":1,', () => response.destroy())
        },
        (response) => response.socket?.resetAndDestroy(),
        (response) => response.destroy(),
        (response) => response.end(),
        (response) => response.end('[]'),
        () => {},
      ),
    )

    it('never notSent of bytes that an endpoint had, whatever it answers', async () => {
      // More of them, so that some are well while others are set aside for what they answered.
      while (nodes.length < 8) nodes.push(await startFakeEvm())
      await start(8, { requestTimeoutMs: 300, probeIntervalMs: 10 })
      const answers = fc.sample(fc.tuple(ends, ends), { numRuns: 60, seed: 11 })
      const cases = await Promise.all(
        answers.map(async (pair) => ({ raw: await signAt(newAccount(), 0), pair })),
      )
      const answersTo = new Map(cases.map(({ raw, pair }) => [raw, [...pair, ...pair, ...pair]]))
      const early: (string | undefined)[] = []
      for (const node of nodes) {
        node.onSend = async (raw) => {
          // At this moment the endpoint has the bytes: the record must say so already, where it survives a crash.
          const record = await stage.recordOf(raw)
          if (record?.state !== 'exposed' || record.exposedTo === null) early.push(record?.state)
          return answersTo.get(raw)!.shift() ?? { error: { code: -32000, message: 'txpool is full' } }
        }
      }
      // Ten accounts without funds are refused by our own look; nobody is shown their bytes.
      const poor = await Promise.all(
        Array.from({ length: 10 }, async () => {
          const account = newAccount()
          for (const node of nodes) node.balances.set(account.address.toLowerCase(), 0n)
          return signAt(account, 0)
        }),
      )
      for (const raw of [...cases.map(({ raw }) => raw), ...poor]) await stage.take(raw)
      await until(async () => {
        const records = await Promise.all([...answersTo.keys()].map((raw) => stage.recordOf(raw)))
        return records.every((record) => record?.state !== 'held')
      })
      await until(async () =>
        (await Promise.all(poor.map((raw) => stage.recordOf(raw)))).every((one) => one?.state === 'refused'),
      )

      expect(early).toEqual([])
      const handed = new Set(seen())
      expect(handed.size).toBe(cases.length)
      let refusals = 0
      for (const { raw } of cases) {
        let record = (await stage.recordOf(raw))!
        expect(record.exposedTo).not.toBeNull()
        const now = stage.tellOf(record)
        expect(now.stage).toBe('submitted')
        if (now.stage === 'submitted' && now.rejection) {
          refusals++
          expect(now.rejection.outcome).toBe('unknown')
        }
        // Nor does its end say so, whoever brings it about; a run of the stage may still change it.
        let ended = null
        while (ended === null) {
          record = (await stage.recordOf(raw))!
          ended = await stage.settle.lapsed(record, wireError('lapsed'))
        }
        expect(stage.tellOf(ended)).toMatchObject({ stage: 'lapsed', error: { outcome: 'unknown' } })
      }
      expect(refusals).toBeGreaterThan(5)
      for (const raw of poor) {
        expect(handed.has(keccak256(raw))).toBe(false)
        expect(await stage.told((await stage.recordOf(raw))!.key)).toMatchObject({
          stage: 'refused',
          error: { outcome: 'notSent' },
        })
      }
    }, 60_000)

    it('underpriced: at once, as not decided, and no other pool is given the second of one nonce', async () => {
      await start(2)
      both(() => ({ error: { code: -32000, message: 'replacement transaction underpriced' } }))
      const key = await stage.take(await signAt(newAccount(), 0))
      expect(await rejectionOf(key)).toMatchObject({ name: 'replacementUnderpriced', outcome: 'unknown' })
      expect(seen()).toHaveLength(1)
    })

    it('a rejection: only once another operator has said no as well', async () => {
      await start(2)
      both(() => ({ error: { code: -32000, message: 'insufficient funds for gas * price + value' } }))
      const key = await stage.take(await signAt(newAccount(), 0))
      expect(await rejectionOf(key)).toMatchObject({ name: 'endpointRejected', outcome: 'unknown' })
      expect(nodes.map((node) => node.seen.length)).toEqual([1, 1])
    })

    it.each([
      ['refuses everything', { error: { code: -32000, message: 'insufficient funds' } }],
      ['calls each nonce used', { error: { code: -32000, message: 'nonce too low' } }],
      ['gives another hash', { result: `0x${'12'.repeat(32)}` }],
    ])('nothing of one endpoint that %s: the other takes them', async (_what, answer) => {
      await start(2)
      nodes[0]!.onSend = () => answer
      const raws = await Promise.all(Array.from({ length: 12 }, () => signAt(newAccount(), 0)))
      const keys = await Promise.all(raws.map((raw) => stage.take(raw)))
      await until(() => raws.every((raw) => nodes[1]!.seen.includes(keccak256(raw))))
      await idle()
      expect(nodes[0]!.seen.length).toBeGreaterThan(0)
      for (const key of keys)
        expect(await stage.told(key)).toEqual({ stage: 'submitted', rejection: undefined })
    })
  })

  describe('one endpoint that lies before anything is sent', () => {
    const lies: [string, (node: FakeEvm, account: string) => void, string][] = [
      ['the nonce is used', (node, account) => node.nonces.set(account, 9), 'nonceUsed'],
      ['there are no funds', (node, account) => node.balances.set(account, 0n), 'insufficientFunds'],
      [
        'the base fee is high',
        (node) => {
          node.baseFee = 10n ** 15n
        },
        'feeTooLow',
      ],
    ]

    it.each(lies)('%s: it goes out', async (_what, lie) => {
      await start(2)
      const accounts = Array.from({ length: 8 }, newAccount)
      for (const { address } of accounts) lie(nodes[0]!, address.toLowerCase())
      const raws = await Promise.all(accounts.map((account) => signAt(account, 0)))
      const keys = await Promise.all(raws.map((raw) => stage.take(raw)))
      await until(() => seen().length >= raws.length)
      await idle()
      expect(new Set(seen()).size).toBe(raws.length)
      for (const key of keys) expect((await stage.told(key)).stage).toBe('submitted')
    })

    it.each(lies)(
      '%s, and the other says so too: refused, and neither was shown it',
      async (_what, lie, name) => {
        await start(2)
        const account = newAccount()
        for (const node of nodes) lie(node, account.address.toLowerCase())
        const key = await stage.take(await signAt(account, 0))
        await until(async () => (await stage.record(key)).state === 'refused')
        const told = await stage.told(key)
        expect(told.stage === 'refused' && errorNameOf(told.error.number)).toBe(name)
        expect(told).toMatchObject({ error: { outcome: 'notSent' } })
        expect(seen()).toEqual([])
      },
    )

    it('a used nonce is no refusal while one finds the transaction itself on chain, and success when both do', async () => {
      await start(2)
      const account = newAccount()
      for (const node of nodes) node.nonces.set(account.address.toLowerCase(), 1)
      const raw = await signAt(account, 0)
      nodes[1]!.mined.add(keccak256(raw))
      const key = await stage.take(raw)
      const asked = () => nodes[0]!.calls('eth_getTransactionReceipt')
      // Longer than another one is looked for before it is said to have used the nonce.
      const since = Date.now()
      await until(() => Date.now() > since + 6_000 && asked() >= 4)
      expect((await stage.record(key)).state).toBe('held')
      nodes[0]!.mined.add(keccak256(raw))
      await until(async () => (await stage.record(key)).state !== 'held')
      expect(await stage.told(key)).toMatchObject({ stage: 'included' })
      expect(seen()).toEqual([])
    })

    it('the only endpoint goes over to another chain: nothing is refused, and nothing is shown to it', async () => {
      await start(1)
      const account = newAccount()
      nodes[0]!.chainId = 5n
      nodes[0]!.nonces.set(account.address.toLowerCase(), 9)
      const raw = await signAt(account, 0)
      const key = await stage.take(raw)
      await until(() => stage.adapter.endpoints()[0]!.trouble === 'wrongChain')
      expect((await stage.record(key)).state).toBe('held')
      expect(seen()).toEqual([])
      nodes[0]!.chainId = 31_337n
      nodes[0]!.nonces.clear()
      await until(() => seen().includes(keccak256(raw)))
    })
  })

  it('notAfter passes before an endpoint can be asked: notSent, and never sent', async () => {
    await start(1)
    const account = newAccount()
    nodes[0]!.chainId = 5n
    await until(() => !stage.adapter.live())
    const key = await stage.take(await signAt(account, 0), Date.now() + 700)
    await until(async () => (await stage.record(key)).state === 'lapsed')
    const told = await stage.told(key)
    expect(told).toMatchObject({ stage: 'lapsed', error: { outcome: 'notSent' } })
    nodes[0]!.chainId = 31_337n
    await until(() => stage.adapter.live())
    await idle()
    expect(seen()).toEqual([])
  })

  it('behavior: what both endpoints reject, again and again: its age grows, and the same is said of it', async () => {
    await start(2)
    both(() => ({ error: { code: -32000, message: 'insufficient funds for gas * price + value' } }))
    const key = await stage.take(await signAt(newAccount(), 0))
    await rejectionOf(key)
    await idle()
    const first = await stage.record(key)
    let last = first
    for (let times = 1; times <= 3; times++) {
      await stage.addJob(last, { again: true })
      await until(() => seen().length === 2 + times)
      await idle()
      const next = await stage.record(key)
      // The turn of the endpoint that did not have it last.
      expect(next.exposedTo).not.toBe(last.exposedTo)
      expect(next.number).toBeGreaterThan(last.number)
      last = next
    }
    expect(last.changedAtMs).toBe(first.changedAtMs)
    expect(last.detail).toEqual(first.detail)
  })

  it('behavior: made durable, and the answer lost: handed over all the same, by its own job', async () => {
    await start(1)
    const { records } = store()
    const update = records.update.bind(records)
    const lossy = jest.spyOn(records, 'update').mockImplementationOnce(async (...change) => {
      await update(...change)
      throw new StoreError('Postgres could not update a record.')
    })
    try {
      const raw = await signAt(newAccount(), 0)
      const key = await stage.take(raw)
      await until(() => seen().includes(keccak256(raw)))
      await idle()
      expect(seen()).toEqual([keccak256(raw)])
      expect(await stage.told(key)).toEqual({ stage: 'submitted', rejection: undefined })
    } finally {
      lossy.mockRestore()
    }
  })

  it('behavior: handed over, and in a block after it was looked for and before its nonce was: included', async () => {
    await start(1)
    const [account, node] = [newAccount(), nodes[0]!]
    const raw = await signAt(account, 0)
    const { key, number } = await stage.admit(raw)
    // By a process that was killed then, longer ago than another is looked for.
    const exposed = { state: 'exposed', exposedTo: 'n0' } as const
    const record = (await store().records.update(key, number, exposed, Date.now() - 60_000))!
    node.nonces.get = (address) => {
      if (address !== account.address.toLowerCase()) return undefined
      node.mined.add(keccak256(raw))
      return 1
    }
    await stage.addJob(record, { again: true })
    await idle()
    expect(await stage.told(key)).toMatchObject({ stage: 'included' })
    expect(seen()).toEqual([])
  })

  it('behavior: unsent, and its nonce used by another in a block that is not final: its job ends, nothing is sent', async () => {
    await start(1)
    const held = await stage.admit(await signAt(newAccount(), 0))
    await stage.settle.overtaken(held, new Uint8Array(32), { height: 1n, hash: 'ab'.repeat(32) })
    await stage.addJob(held)
    await idle()
    expect(seen()).toEqual([])
    expect(await stage.record(held.key)).toMatchObject({ state: 'held', blockHeight: 1n })
  })

  it('behavior: jobs that could not be made together are made at the second try, in the order of their keys', async () => {
    await start(1)
    const raws = await Promise.all(Array.from({ length: 8 }, () => signAt(newAccount(), 0)))
    const records = await Promise.all(raws.map((raw) => stage.admit(raw)))
    const queue = store().queues.queue('submit')
    const deadlocked = jest.spyOn(queue, 'addBulk').mockRejectedValueOnce(new Error('deadlock detected'))
    try {
      await Promise.all(records.map((record) => stage.addJob(record)))
      await until(() => seen().length === raws.length)
      expect(deadlocked).toHaveBeenCalledTimes(2)
      const keys = deadlocked.mock.calls.map(([jobs]) => jobs.map(({ data }) => data.key as string))
      expect(keys[0]).toHaveLength(6)
      expect(keys[0]).toEqual([...keys[0]!].sort())
      expect(keys[1]).toEqual(keys[0])
    } finally {
      deadlocked.mockRestore()
    }
  })

  async function rejectionOf(
    key: Parameters<Stage['told']>[0],
  ): Promise<{ name: unknown; outcome: unknown }> {
    let rejection: WireError | undefined
    await until(async () => {
      const told = await stage.told(key)
      rejection = told.stage === 'submitted' ? told.rejection : undefined
      return rejection !== undefined
    })
    return { name: errorNameOf(rejection!.number), outcome: rejection!.outcome }
  }
})
