import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { errorNameOf } from '@veilcast/shared/errors'
import { type Hex, keccak256 } from 'viem'
import { evmChainConfig } from '../../../broadcaster/dist/chains/evm/config.js'
import { type FakeEvm, startFakeEvm } from '../../support/fakeEvm.ts'
import { withEmbeddedStore } from '../../support/store.ts'
import { newAccount, signAt, startSubmitStage } from '../../support/submitStage.ts'
import { until } from '../../support/until.ts'

type Stage = Awaited<ReturnType<typeof startSubmitStage>>

const poolIsFull = { error: { code: -32000, message: 'txpool is full' } }
const noFunds = { error: { code: -32000, message: 'insufficient funds for gas * price + value' } }

describe('submit to', () => {
  const store = withEmbeddedStore()
  let nodes: FakeEvm[]
  let stages: Stage[]

  beforeEach(async () => {
    nodes = [await startFakeEvm(), await startFakeEvm(), await startFakeEvm()]
    stages = []
  })
  afterEach(async () => {
    for (const stage of stages) await stage.stop()
    for (const node of nodes) await node.stop()
  })

  async function start(count: number, more: Parameters<typeof startSubmitStage>[2] = {}): Promise<Stage> {
    const stage = await startSubmitStage(store(), nodes.slice(0, count), more)
    stages.push(stage)
    return stage
  }
  const haves = (raw: Hex): number[] =>
    nodes.flatMap(({ seen }, index) => (seen.includes(keccak256(raw)) ? [index] : []))

  describe('one', () => {
    it('default: one of three at random, and over all of them each has its share', async () => {
      const stage = await start(3)
      const raws = await Promise.all(Array.from({ length: 30 }, () => signAt(newAccount(), 0)))
      for (const raw of raws) await stage.take(raw)
      await until(() => raws.every((raw) => haves(raw).length > 0))
      for (const raw of raws) expect(haves(raw)).toHaveLength(1)
      expect(nodes.every(({ seen }) => seen.length > 0)).toBe(true)
    })

    it('behavior: the endpoint that has the sender goes on having him, in another process too', async () => {
      const secret = randomBytes(32)
      const first = await start(3, { secret })
      const accounts = Array.from({ length: 8 }, newAccount)
      const heads = await Promise.all(accounts.map((account) => signAt(account, 0)))
      for (const raw of heads) await first.take(raw)
      await until(() => heads.every((raw) => haves(raw).length === 1))
      await until(async () => (await first.jobs()) === 0)
      await first.stop()
      stages = []

      const second = await start(3, { secret })
      const next = await Promise.all(accounts.map((account) => signAt(account, 1)))
      for (const raw of next) await second.take(raw)
      await until(() => next.every((raw) => haves(raw).length > 0))
      expect(next.map(haves)).toEqual(heads.map(haves))
    })
  })

  describe('several', () => {
    const several = { submit: { to: 'several', operators: 2 } }

    it('default: to two of three operators at once, made durable before either has a byte', async () => {
      const stage = await start(3, several)
      const raw = await signAt(newAccount(), 0)
      const arrived: string[] = []
      let open = (): void => {}
      const both = new Promise<void>((resolve) => {
        open = resolve
      })
      for (const node of nodes) {
        node.onSend = async (sent, hash) => {
          const record = await stage.recordOf(sent)
          arrived.push(`${record?.state} to ${record?.exposedTo}`)
          // Neither is answered before the other has it, too.
          if (arrived.length === 2) open()
          await both
          return { result: hash }
        }
      }
      const key = await stage.take(raw)
      await until(async () => (await stage.jobs()) === 0 && arrived.length > 0)
      const had = haves(raw)
      expect(had).toHaveLength(2)
      const { exposedTo } = await stage.record(key)
      expect(exposedTo!.split(',').sort()).toEqual(had.map((index) => `n${index}`))
      expect(arrived).toEqual([`exposed to ${exposedTo}`, `exposed to ${exposedTo}`])
      expect(await stage.told(key)).toEqual({ stage: 'submitted', rejection: undefined })
    })

    it('behavior: taken where one of them took it, whatever the other says', async () => {
      const stage = await start(2, several)
      for (const answer of [poolIsFull, noFunds, { result: `0x${'77'.repeat(32)}` }, { result: null }]) {
        nodes[0]!.onSend = () => answer
        const raw = await signAt(newAccount(), 0)
        const key = await stage.take(raw)
        await until(async () => (await stage.jobs()) === 0)
        expect(await stage.told(key)).toEqual({ stage: 'submitted', rejection: undefined })
        expect(haves(raw)).toEqual([0, 1])
        await until(() => stage.adapter.endpoints().every(({ breaker }) => breaker === 'closed'))
      }
    })

    it('behavior: rejected once all have said so, the third operator too', async () => {
      const stage = await start(3, several)
      for (const node of nodes) node.onSend = () => noFunds
      const raw = await signAt(newAccount(), 0)
      const key = await stage.take(raw)
      await until(async () => (await stage.jobs()) === 0)
      const told = await stage.told(key)
      expect(told.stage === 'submitted' && errorNameOf(told.rejection!.number)).toBe('endpointRejected')
      expect(told).toMatchObject({ rejection: { outcome: 'unknown' } })
      expect(haves(raw)).toEqual([0, 1, 2])
    })

    it('behavior: those two go on having the sender', async () => {
      const stage = await start(3, several)
      const account = newAccount()
      const run = await Promise.all(Array.from({ length: 6 }, (_, nonce) => signAt(account, nonce)))
      for (const raw of run) {
        await stage.take(raw)
        await until(() => haves(raw).length === 2)
        await until(async () => (await stage.jobs()) === 0)
      }
      expect(new Set(run.map((raw) => String(haves(raw)))).size).toBe(1)
    })

    it('behavior: to one where only one is live', async () => {
      const stage = await start(2, { ...several, probeIntervalMs: 50 })
      nodes[0]!.chainId = 5n
      await until(() => !stage.adapter.endpoints()[0]!.live)
      const raw = await signAt(newAccount(), 0)
      await stage.take(raw)
      await until(() => haves(raw).length > 0)
      await until(async () => (await stage.jobs()) === 0)
      expect(haves(raw)).toEqual([1])
    })

    it('error: more operators than there are, in the configuration', () => {
      const config = {
        chain: 'eip155:1',
        endpoints: [
          { id: 'a', operator: 'one', url: 'http://127.0.0.1:1' },
          { id: 'b', operator: 'one', url: 'http://127.0.0.1:2' },
        ],
        ...several,
      }
      const { error } = evmChainConfig.safeParse(config)
      expect(error?.issues).toMatchObject([
        { path: ['submit', 'operators'], message: expect.stringContaining('more than the 1 operators') },
      ])
      expect(evmChainConfig.safeParse({ ...config, submit: { to: 'several', operators: 9 } }).success).toBe(
        false,
      )
    })
  })
})
