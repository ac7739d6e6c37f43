import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { createVault } from '@veilcast/broadcaster'
import type { Progress, Receipt, VeilcastClient } from '@veilcast/client'
import { type Anvil, type CosmosChain, startAnvil, startCosmosChain } from '@veilcast/devnet'
import { wireError } from '@veilcast/shared/errors'
import { createLoopback } from '@veilcast/shared/mixnet/loopback'
import { parseChainId, type TxState } from '@veilcast/shared/protocol'
import { bytesToHex, keccak256 } from 'viem'
import type { Logger } from '../../broadcaster/dist/observability/logger.js'
import { createMetrics } from '../../broadcaster/dist/observability/metrics.js'
import { createSettle } from '../../broadcaster/dist/stages/settle.js'
import type { TxRecord } from '../../broadcaster/dist/store/TxStore.js'
import { captureLogs } from '../support/captureLogs.ts'
import {
  behind,
  behindComet,
  type CrookedEndpoint,
  forksAbove,
  honest,
  inventsFailure,
  makesUpBlocks,
  startCrookedEndpoint,
} from '../support/crookedEndpoint.ts'
import { cosmosOrSkip } from '../support/devnetCosmos.ts'
import { type EthTransfer, signEthTransfer, signMsgSend } from '../support/devnetSign.ts'
import { type FaultyEndpoint, startFaultyEndpoint } from '../support/faultyEndpoint.ts'
import {
  anvilSetup,
  type ChainSetup,
  cosmosSetup,
  startTestBroadcaster,
  startTestClient,
  type TestBroadcaster,
} from '../support/path.ts'
import { type StoreServer, startEmbedded } from '../support/store.ts'
import { until } from '../support/until.ts'

const startLimitMs = 120_000
const runLimitMs = 60_000

/** One store for all stories, emptied between them, and as many broadcasters on it as a story starts. */
let server: StoreServer
let loopback: ReturnType<typeof createLoopback>
let broadcaster: TestBroadcaster | undefined
let client: VeilcastClient | undefined
let secret: Uint8Array
const toStop: { stop(): Promise<unknown> }[] = []

beforeAll(async () => {
  server = await startEmbedded()
  await server.open().start()
}, startLimitMs)

afterAll(() => server?.stop(), startLimitMs)

beforeEach(async () => {
  await server.clean()
  secret = randomBytes(32)
  loopback = createLoopback({ seed: 11 })
})

afterEach(async () => {
  await client?.stop()
  await broadcaster?.stop()
  client = undefined
  broadcaster = undefined
  for (const one of toStop.splice(0).reverse()) await one.stop()
}, startLimitMs)

function later<T extends { stop(): Promise<unknown> }>(one: T): T {
  toStop.push(one)
  return one
}

/** Under the same address as before, on the same record. */
async function start(setup: ChainSetup, logger?: Logger): Promise<TestBroadcaster> {
  broadcaster = await startTestBroadcaster({
    listener: loopback.listener('broadcaster'),
    store: server.openAnother(),
    chains: [setup],
    secret,
    ...(logger && { logger }),
  })
  client ??= await startTestClient(loopback.dialer(), [broadcaster.address()])
  return broadcaster
}

interface Submitted {
  /** What the wallet was told, in order. */
  readonly stages: string[]
  readonly states: TxState[]
  /** Of the submit, once it was sent. */
  submitId: string
  /** The receipt, or the error. */
  readonly outcome: Promise<Partial<Receipt>>
}

function submit(chain: string, signedTx: string | Uint8Array, to: 'included' | 'final' = 'final'): Submitted {
  const submitted = { stages: [] as string[], states: [] as TxState[], submitId: '' }
  const outcome = client!
    .submit(
      { chain, signedTx, until: to, everyStage: true },
      {
        onProgress(progress: Progress) {
          submitted.stages.push(progress.stage)
          submitted.submitId = progress.requestId
          if ('state' in progress && progress.state) submitted.states.push(progress.state)
        },
      },
    )
    .catch((error: unknown) => error as Partial<Receipt>)
  return Object.assign(submitted, { outcome })
}

/** Calls beside those that ask again and again for the newest block: as many as the machine is slow, each with the chain's id. */
function looked(proxy: FaultyEndpoint): number {
  return proxy.calls() - 2 * proxy.calls('eth_chainId')
}

function isIncludedAgain({ stages }: Submitted): boolean {
  return stages.indexOf('included') < stages.lastIndexOf('included')
}

async function recordOf(chain: string): Promise<TxRecord | undefined> {
  return (await broadcaster!.store.records.listLive(parseChainId(chain), { limit: 1 }))[0]
}

async function isInState(chain: string, state: TxRecord['state']): Promise<boolean> {
  return (await recordOf(chain))?.state === state
}

describe('the watcher of an EVM chain', () => {
  let anvil: Anvil

  beforeEach(async () => {
    anvil = later(await startAnvil({}))
    await anvil.mine(3)
  }, startLimitMs)

  const confirmations = (count: number) => ({ finality: { rule: 'confirmations', confirmations: count } })

  const sign = (transfer: Partial<EthTransfer> = {}) =>
    signEthTransfer(anvil, {
      from: anvil.accounts[0]!,
      to: anvil.accounts[9]!.address,
      valueWei: 1n,
      ...transfer,
    })

  /** The same account and nonce, to somebody else, and worth more to a miner. */
  const signOther = (transfer: Partial<EthTransfer> = {}) =>
    sign({
      to: anvil.accounts[8]!.address,
      nonce: 0,
      maxFeePerGas: 9_000_000_000n,
      maxPriorityFeePerGas: 5_000_000_000n,
      ...transfer,
    })

  const isKnown = async (signedTx: `0x${string}`) =>
    (await anvil.rpc('eth_getTransactionByHash', [keccak256(signedTx)])) !== null
  const blockOf = async (signedTx: `0x${string}`) =>
    (await anvil.rpc<{ blockHash: string } | null>('eth_getTransactionReceipt', [keccak256(signedTx)]))
      ?.blockHash

  it(
    'a reorganisation that drops it: told, sent again, and final in a block that is there',
    async () => {
      const proxy = later(await startFaultyEndpoint(anvil.rpcUrl))
      await start(anvilSetup(anvil, proxy.url, confirmations(4)))
      const signedTx = await sign()
      const submitted = submit(anvil.chainId, signedTx)
      await until(() => submitted.stages.includes('included'))
      const sent = proxy.calls('eth_sendRawTransaction')
      const before = await blockOf(signedTx)
      await anvil.reorg(1)
      expect(await isKnown(signedTx)).toBe(false)
      await until(() => isIncludedAgain(submitted))
      expect(proxy.calls('eth_sendRawTransaction')).toBe(sent + 1)
      await anvil.mine(6)
      expect((await submitted.outcome).stage).toBe('final')
      const after = submitted.stages.slice(submitted.stages.indexOf('included'))
      expect(after).toEqual(['included', 'submitted', 'included', 'final'])
      expect(await blockOf(signedTx)).not.toBe(before)
    },
    runLimitMs,
  )

  it(
    'a reorganisation that comes with finality: what it dropped is not called final',
    async () => {
      const endpoint = later(await startCrookedEndpoint(anvil.rpcUrl))
      let isAway = false
      let final = '0x0'
      endpoint.show(() => async (call, ask) => {
        if (isAway) throw { code: -32000, message: 'busy' }
        const isFinal = call.params[0] === 'finalized'
        return ask(call.method, isFinal ? [final, ...call.params.slice(1)] : call.params)
      })
      await start(anvilSetup(anvil, endpoint.url, { finality: { rule: 'finalized' } }))
      const signedTx = await sign()
      const submitted = submit(anvil.chainId, signedTx)
      await until(() => submitted.stages.includes('included'))
      isAway = true
      await anvil.reorg(1)
      final = await anvil.rpc<string>('eth_blockNumber')
      isAway = false
      await until(() => isIncludedAgain(submitted))
      expect(submitted.stages).not.toContain('final')
      final = await anvil.rpc<string>('eth_blockNumber')
      expect(await submitted.outcome).toMatchObject({ stage: 'final', ok: true })
    },
    runLimitMs,
  )

  it(
    'a reorganisation deeper than all blocks that it knows: in the end the same',
    async () => {
      await anvil.mine(40)
      await start(anvilSetup(anvil, anvil.rpcUrl, confirmations(20)))
      const signedTx = await sign()
      const submitted = submit(anvil.chainId, signedTx)
      await until(() => submitted.stages.includes('included'))
      await anvil.reorg(15)
      await until(() => isIncludedAgain(submitted))
      await anvil.mine(21)
      const { stage, state } = await submitted.outcome
      expect(stage).toBe('final')
      expect(state?.stage === 'final' && bytesToHex(state.inclusion.blockHash)).toBe(await blockOf(signedTx))
    },
    runLimitMs,
  )

  it(
    'a reorganisation in which another takes its nonce: replaced, with its hash, and not before it is final',
    async () => {
      await start(anvilSetup(anvil, anvil.rpcUrl, confirmations(3)))
      const signedTx = await sign()
      const other = await signOther()
      const submitted = submit(anvil.chainId, signedTx)
      await until(() => submitted.stages.includes('included'))
      await anvil.rpc('anvil_reorg', [1, [[other, 0]]])
      expect(await blockOf(other)).toBeDefined()
      await until(async () => `0x${(await recordOf(anvil.chainId))?.blockHash}` === (await blockOf(other)))
      await anvil.mine(2)
      await until(async () => (await tipOf(anvil)) === BigInt(await anvil.rpc<string>('eth_blockNumber')))
      expect(await isInState(anvil.chainId, 'exposed')).toBe(true)
      await anvil.mine(1)
      expect(await submitted.outcome).toMatchObject({ errorName: 'replaced', outcome: 'onChain' })
      const told = submitted.states.at(-1)
      expect(told?.stage === 'replaced' && bytesToHex(told.by)).toBe(keccak256(other))
    },
    runLimitMs,
  )

  it(
    'a reorganisation that drops what had replaced it: it lands after all',
    async () => {
      await anvil.setAutomine(false)
      await start(anvilSetup(anvil, anvil.rpcUrl, confirmations(3)))
      const signedTx = await sign()
      const other = await signOther()
      const submitted = submit(anvil.chainId, signedTx)
      await until(() => isKnown(signedTx))
      await anvil.rpc('eth_sendRawTransaction', [other])
      await anvil.mine(1)
      await until(async () => ((await recordOf(anvil.chainId))?.blockHeight ?? null) !== null)
      await anvil.reorg(1)
      await anvil.mine(1)
      await until(() => isKnown(signedTx))
      await anvil.mine(5)
      expect(await submitted.outcome).toMatchObject({ stage: 'final', ok: true })
    },
    runLimitMs,
  )

  it(
    '300 blocks missed: found what landed, what was replaced and by whom; what waits lands; calls are bounded',
    async () => {
      await anvil.setAutomine(false)
      const proxy = later(await startFaultyEndpoint(anvil.rpcUrl))
      await start(anvilSetup(anvil, proxy.url, confirmations(2)))
      const [landing, losing, waiting] = await Promise.all(
        [0, 1, 2].map((account) => sign({ from: anvil.accounts[account]! })),
      )
      const other = await signOther({ from: anvil.accounts[1]! })
      const submitted = [landing!, losing!, waiting!].map((signedTx) => submit(anvil.chainId, signedTx))
      await until(async () => (await Promise.all([landing!, losing!, waiting!].map(isKnown))).every(Boolean))
      await until(() => submitted.every(({ stages }) => stages.includes('submitted')))

      proxy.set({ mode: 'close' })
      await anvil.rpc('anvil_dropTransaction', [keccak256(waiting!)])
      await anvil.rpc('eth_sendRawTransaction', [other])
      await anvil.mine(300)
      await until(async () => !(await isLive()))
      const before = looked(proxy)
      proxy.set({ mode: 'pass' })

      expect(await submitted[0]!.outcome).toMatchObject({ stage: 'final', ok: true })
      expect(await submitted[1]!.outcome).toMatchObject({ errorName: 'replaced', outcome: 'onChain' })
      const told = submitted[1]!.states.at(-1)
      expect(told?.stage === 'replaced' && bytesToHex(told.by)).toBe(keccak256(other))
      await until(async () => (await tipOf(anvil)) === BigInt(await anvil.rpc<string>('eth_blockNumber')))
      expect(proxy.calls('eth_getBlockReceipts')).toBeLessThan(20)
      expect(looked(proxy) - before).toBeLessThan(250)
      await anvil.rpc('eth_sendRawTransaction', [waiting!])
      await anvil.mine(4)
      expect(await submitted[2]!.outcome).toMatchObject({ stage: 'final', ok: true })
    },
    runLimitMs,
  )

  it(
    'a stop of ten minutes: found by a look-up rather than block by block, and told to who asks again',
    async () => {
      await anvil.setAutomine(false)
      const proxy = later(await startFaultyEndpoint(anvil.rpcUrl))
      const setup = anvilSetup(anvil, proxy.url, confirmations(2))
      const { store } = await start(setup)
      const signedTx = await sign()
      const submitted = submit(anvil.chainId, signedTx)
      await until(() => submitted.stages.includes('submitted'))
      await until(() => isKnown(signedTx))
      await broadcaster!.stop()
      await anvil.rpc('evm_increaseTime', [600])
      await anvil.mine(60)
      await rewriteCursor(anvil.chainId, 10 * 60_000)
      const before = { blocks: proxy.calls('eth_getBlockReceipts'), all: looked(proxy) }
      await start(setup)
      const receipt = await client!.status({ submitId: submitted.submitId, until: 'final' })
      expect(receipt).toMatchObject({ stage: 'final', txId: keccak256(signedTx) })
      // The last blocks alone, of 60.
      expect(proxy.calls('eth_getBlockReceipts') - before.blocks).toBeLessThanOrEqual(8)
      expect(looked(proxy) - before.all).toBeLessThan(60)
      expect(store.kind).toBe('postgres')
    },
    runLimitMs,
  )

  it(
    'an endpoint of many nodes, every other one behind: nothing is taken back, and it is final',
    async () => {
      const balanced = later(await startCrookedEndpoint(anvil.rpcUrl))
      let turn = 0
      balanced.show(() => (turn++ % 2 === 0 ? behind(3) : honest))
      await start(anvilSetup(anvil, balanced.url, confirmations(2)))
      await expectNothingTakenBack(balanced)
    },
    runLimitMs,
  )

  it(
    'an endpoint that falls behind another: nothing is taken back, and it is final',
    async () => {
      const late = later(await startCrookedEndpoint(anvil.rpcUrl))
      const endpoints = [
        { id: 'late', operator: 'one', url: late.url },
        { id: 'prompt', operator: 'two', url: anvil.rpcUrl },
      ]
      await start(anvilSetup(anvil, '', { ...confirmations(2), endpoints }))
      late.show(() => behind(4))
      await expectNothingTakenBack(late)
    },
    runLimitMs,
  )

  it(
    'three operators, one of whom invents what became of it beneath the true hash: told what the two others say',
    async () => {
      const liar = later(await startCrookedEndpoint(anvil.rpcUrl))
      const endpoints = [
        { id: 'liar', operator: 'one', url: liar.url },
        { id: 'b', operator: 'two', url: anvil.rpcUrl },
        { id: 'c', operator: 'three', url: anvil.rpcUrl },
      ]
      await start(anvilSetup(anvil, '', { ...confirmations(1), endpoints, probeIntervalMs: 100 }))
      liar.show(() => inventsFailure())
      for (let round = 0; round < 6; round++) {
        const submitted = submit(anvil.chainId, await sign({ from: anvil.accounts[round]! }))
        await until(async () => {
          await anvil.mine(1)
          return submitted.stages.includes('final')
        }, 150)
        expect(await submitted.outcome).toMatchObject({ stage: 'final', ok: true })
        for (const state of submitted.states) {
          if (state.stage === 'included') expect(state.inclusion).toMatchObject({ ok: true })
        }
      }
      expect(liar.calls('eth_getTransactionReceipt') + liar.calls('eth_getBlockReceipts')).toBeGreaterThan(0)
    },
    runLimitMs,
  )

  it(
    'the endpoint that was handed it keeps it, and makes up a block with it: not told on its word alone',
    async () => {
      const [liar, other] = [
        later(await startCrookedEndpoint(anvil.rpcUrl)),
        later(await startCrookedEndpoint(anvil.rpcUrl)),
      ]
      const endpoints = [
        { id: 'liar', operator: 'one', url: liar.url },
        { id: 'other', operator: 'two', url: other.url },
      ]
      await start(anvilSetup(anvil, '', { ...confirmations(1), endpoints }))
      other.show(() => async (call, ask) => {
        if (call.method === 'eth_sendRawTransaction') throw { code: -32000, message: 'txpool is full' }
        return honest(call, ask)
      })
      const lie = makesUpBlocks()
      liar.show(() => lie)
      const signedTx = await sign()
      const submitted = submit(anvil.chainId, signedTx)
      await until(() => liar.calls('eth_sendRawTransaction') === 1)
      const asked = [liar.calls('eth_getBlockReceipts'), other.calls('eth_getTransactionReceipt')]
      await until(() => liar.calls('eth_getBlockReceipts') > asked[0]! + 3)
      await until(() => other.calls('eth_getTransactionReceipt') > asked[1]! + 3)
      expect(submitted.stages).not.toContain('included')

      liar.show(undefined)
      await anvil.rpc('eth_sendRawTransaction', [signedTx])
      await anvil.mine(2)
      expect(await submitted.outcome).toMatchObject({ stage: 'final', ok: true })
      const [told] = submitted.states.flatMap((state) => (state.stage === 'included' ? [state] : []))
      expect(bytesToHex(told!.inclusion.blockHash)).toBe(await blockOf(signedTx))
    },
    runLimitMs,
  )

  it(
    'two operators, one of whom invents what became of one: nothing is told of that one, and the others go on',
    async () => {
      await anvil.setAutomine(false)
      const liar = later(await startCrookedEndpoint(anvil.rpcUrl))
      const endpoints = [
        { id: 'liar', operator: 'one', url: liar.url },
        { id: 'b', operator: 'two', url: anvil.rpcUrl },
      ]
      await start(anvilSetup(anvil, '', { ...confirmations(1), endpoints }))
      const contested = await sign()
      liar.show(() => inventsFailure(keccak256(contested)))
      const first = submit(anvil.chainId, contested)
      const others = [1, 2].map(async (account) => {
        const submitted = submit(anvil.chainId, await sign({ from: anvil.accounts[account]! }))
        return submitted.outcome
      })
      await until(async () => (await broadcaster!.store.records.countLive(parseChainId(anvil.chainId))) === 3)
      await until(async () => {
        const { pending } = await anvil.rpc<{ pending: object }>('txpool_content')
        return Object.keys(pending).length === 3
      })
      await anvil.mine(4)
      for (const receipt of await Promise.all(others)) {
        expect(receipt).toMatchObject({ stage: 'final', ok: true })
      }
      expect(await blockOf(contested)).toBeDefined()
      expect(first.stages).not.toContain('included')
      expect(await (await fetch(`${broadcaster!.httpUrl()}/metrics`)).text()).toMatch(
        /veilcast_contradictions_total\{chain="eip155:31337"\} [1-9]/,
      )
    },
    runLimitMs,
  )

  it(
    'two operators, one of whom is on a fork: said once and shown for as long, and told when both agree',
    async () => {
      await anvil.setAutomine(false)
      const forked = later(await startCrookedEndpoint(anvil.rpcUrl))
      const endpoints = [
        { id: 'forked', operator: 'one', url: forked.url },
        { id: 'b', operator: 'two', url: anvil.rpcUrl },
      ]
      const logs = captureLogs()
      await start(anvilSetup(anvil, '', { ...confirmations(1), endpoints }), logs.logger)
      const before = BigInt(await anvil.rpc<string>('eth_blockNumber'))
      forked.show(() => forksAbove(before))
      const signedTx = await sign()
      const submitted = submit(anvil.chainId, signedTx)
      await until(() => isKnown(signedTx))
      await anvil.mine(4)
      const height = before + 1n
      const lines = () => logs.lines().filter((line) => line.includes('different blocks of the same height'))
      await until(() => lines().length > 0)
      const { endpoints: between, ...line } = JSON.parse(lines()[0]!)
      expect(line).toMatchObject({ chain: anvil.chainId, height: String(height) })
      expect(between.sort()).toEqual(['b', 'forked'])
      const page = async (path: string) => (await fetch(`${broadcaster!.httpUrl()}/${path}`)).text()
      await until(async () =>
        (await page('metrics')).includes(`block_disputed{chain="${anvil.chainId}"} 1\n`),
      )
      const standstill = /blocks_standstill_seconds\{chain="eip155:31337"\} (?!0\n)[0-9.]+\n/
      await until(async () => standstill.test(await page('metrics')))
      const { status } = JSON.parse(await page('status.json'))
      const dispute = { height: Number(height), endpoints: expect.arrayContaining(['forked', 'b']) }
      expect(status.chains[0].disputes).toEqual([expect.objectContaining(dispute)])
      const looks = forked.calls('eth_getTransactionReceipt')
      await until(() => forked.calls('eth_getTransactionReceipt') > looks + 2)
      expect(lines()).toHaveLength(1)
      expect(submitted.stages).not.toContain('included')
      expect(await tipOf(anvil)).toBe(before)
      forked.show(undefined)
      expect(await submitted.outcome).toMatchObject({ stage: 'final', ok: true })
      await until(async () =>
        (await page('metrics')).includes(`block_disputed{chain="${anvil.chainId}"} 0\n`),
      )
    },
    runLimitMs,
  )

  it(
    'one operator calls it final before the other does: told when both do',
    async () => {
      const late = later(await startCrookedEndpoint(anvil.rpcUrl))
      const endpoints = [
        { id: 'late', operator: 'one', url: late.url },
        { id: 'b', operator: 'two', url: anvil.rpcUrl },
      ]
      await start(anvilSetup(anvil, '', { ...confirmations(3), endpoints }))
      const submitted = submit(anvil.chainId, await sign())
      await until(() => submitted.stages.includes('included'))
      late.show(() => behind(3))
      await anvil.mine(3)
      const tip = BigInt(await anvil.rpc<string>('eth_blockNumber'))
      await until(async () => (await tipOf(anvil)) === tip)
      const asked = late.calls('eth_getBlockByNumber')
      await until(() => late.calls('eth_getBlockByNumber') > asked + 6)
      expect(submitted.stages).not.toContain('final')
      late.show(undefined)
      expect(await submitted.outcome).toMatchObject({ stage: 'final', ok: true })
    },
    runLimitMs,
  )

  async function expectNothingTakenBack(endpoint: CrookedEndpoint): Promise<void> {
    const signed = await Promise.all([0, 1, 2].map((account) => sign({ from: anvil.accounts[account]! })))
    const submitted = signed.map((signedTx) => submit(anvil.chainId, signedTx))
    let isDone = false
    const outcomes = Promise.all(submitted.map(({ outcome }) => outcome)).finally(() => {
      isDone = true
    })
    await until(async () => {
      await anvil.mine(1)
      return isDone
    }, 150)
    for (const receipt of await outcomes) expect(receipt).toMatchObject({ stage: 'final', ok: true })
    for (const { stages } of submitted) {
      expect(stages.filter((stage) => stage === 'submitted').length).toBeLessThanOrEqual(1)
      expect(stages.slice(-2)).toEqual(['included', 'final'])
    }
    expect(endpoint.calls()).toBeGreaterThan(0)
  }

  it(
    'an endpoint that switches to another chain between two probes, and back: nothing it says there counts',
    async () => {
      const elsewhere = later(await startAnvil({ chainId: 31_338 }))
      await elsewhere.mine(300)
      const proxy = later(await startFaultyEndpoint(anvil.rpcUrl))
      await start(anvilSetup(anvil, proxy.url, { ...confirmations(4), probeIntervalMs: 300 }))
      const signedTx = await sign()
      const submitted = submit(anvil.chainId, signedTx)
      await until(() => submitted.stages.includes('included'))
      const cursor = await broadcaster!.store.records.cursor(parseChainId(anvil.chainId))
      const asked = proxy.calls()
      proxy.retarget(elsewhere.rpcUrl)
      await elsewhere.mine(10)
      await until(() => proxy.calls() > asked + 1)
      await until(async () => !(await isLive()))
      expect(await broadcaster!.store.records.cursor(parseChainId(anvil.chainId))).toEqual(cursor)
      proxy.retarget(anvil.rpcUrl)
      await anvil.mine(6)
      expect(await submitted.outcome).toMatchObject({ stage: 'final' })
      expect(submitted.stages.slice(submitted.stages.indexOf('included'))).toEqual(['included', 'final'])
    },
    runLimitMs,
  )

  it(
    'a chain that began anew under the same id: sent again, and final there',
    async () => {
      const proxy = later(await startFaultyEndpoint(anvil.rpcUrl))
      await start(anvilSetup(anvil, proxy.url, { ...confirmations(4) }))
      const signedTx = await sign()
      const submitted = submit(anvil.chainId, signedTx)
      await until(() => submitted.stages.includes('included'))
      const anew = later(await startAnvil({}))
      await anew.mine(4)
      proxy.retarget(anew.rpcUrl)
      await until(() => isIncludedAgain(submitted))
      await anew.mine(6)
      expect(await submitted.outcome).toMatchObject({ stage: 'final', ok: true })
      expect(await anew.rpc('eth_getTransactionReceipt', [keccak256(signedTx)])).not.toBeNull()
    },
    runLimitMs,
  )

  it(
    'calls a block, with thirty transactions waiting as with one',
    async () => {
      await anvil.setAutomine(false)
      const proxy = later(await startFaultyEndpoint(anvil.rpcUrl))
      await start(anvilSetup(anvil, proxy.url, { ...confirmations(2), probeIntervalMs: 60_000 }))
      const signed = await Promise.all(
        Array.from({ length: 30 }, (_, nonce) =>
          // Far above the next nonce: they wait, and are in no block.
          sign({ from: anvil.accounts[nonce % 5]!, nonce: 100 + nonce }),
        ),
      )
      const submitted = signed.map((signedTx) => submit(anvil.chainId, signedTx, 'included'))
      await until(() => submitted.every(({ stages }) => stages.includes('submitted')))
      const counted = () => ({
        blocks: proxy.calls('eth_getBlockReceipts'),
        receipts: proxy.calls('eth_getTransactionReceipt'),
        all: proxy.calls(),
        byNumber: proxy.calls('eth_getBlockByNumber'),
        chainIds: proxy.calls('eth_chainId'),
      })
      const before = counted()
      await anvil.mine(20)
      await until(async () => (await tipOf(anvil)) === BigInt(await anvil.rpc<string>('eth_blockNumber')))
      const after = counted()
      expect(after.blocks - before.blocks).toBe(20)
      expect(after.receipts - before.receipts).toBe(0)
      // A block and its receipts, and of a head itself; of one that follows on none before it its chain, too.
      const heads = after.byNumber - before.byNumber - 20
      const chainIds = after.chainIds - before.chainIds
      expect(after.all - before.all).toBe(2 * 20 + heads + chainIds)
      expect(chainIds).toBeLessThanOrEqual(20)
      const still = counted()
      await until(() => proxy.calls() > still.all + 10)
      // Nothing new: one call for each look.
      expect(counted().chainIds).toBe(still.chainIds)
    },
    runLimitMs,
  )

  it(
    'replaced, says one operator, and the other does not: told when both do',
    async () => {
      await anvil.setAutomine(false)
      const other = later(await startCrookedEndpoint(anvil.rpcUrl))
      const endpoints = [
        { id: 'a', operator: 'one', url: anvil.rpcUrl },
        { id: 'b', operator: 'two', url: other.url },
      ]
      await start(anvilSetup(anvil, '', { ...confirmations(1), endpoints }))
      const signedTx = await sign()
      const replacing = await signOther()
      const submitted = submit(anvil.chainId, signedTx)
      await until(() => isKnown(signedTx))
      other.show(() => async (call, ask) => {
        if (call.method === 'eth_getTransactionCount') return '0x0'
        return honest(call, ask)
      })
      await anvil.rpc('eth_sendRawTransaction', [replacing])
      await anvil.mine(3)
      const counted = other.calls('eth_getTransactionCount')
      await until(() => other.calls('eth_getTransactionCount') > counted)
      await until(async () => (await tipOf(anvil)) === BigInt(await anvil.rpc<string>('eth_blockNumber')))
      expect(await isInState(anvil.chainId, 'exposed')).toBe(true)
      other.show(undefined)
      expect(await submitted.outcome).toMatchObject({ errorName: 'replaced' })
    },
    runLimitMs,
  )

  it(
    'lapsed after an endpoint had it, and landed later: told to who asks',
    async () => {
      await anvil.setAutomine(false)
      const { store } = await start(anvilSetup(anvil, anvil.rpcUrl, confirmations(2)))
      const signedTx = await sign()
      const submitted = submit(anvil.chainId, signedTx)
      await until(() => isKnown(signedTx))
      await until(() => isInState(anvil.chainId, 'exposed'))
      const settle = createSettle({
        records: store.records,
        vault: createVault(secret),
        retentionSeconds: 3600,
        metrics: createMetrics(),
        chains: new Map(),
      })
      expect(await settle.lapsed((await recordOf(anvil.chainId))!, wireError('lapsed'))).not.toBeNull()
      expect(await submitted.outcome).toMatchObject({ errorName: 'lapsed', outcome: 'unknown' })
      // Nobody waits for anything: blocks are passed over.
      await until(async () => (await tipOf(anvil)) === BigInt(await anvil.rpc<string>('eth_blockNumber')))
      await anvil.mine(3)
      await until(async () => (await tipOf(anvil)) === BigInt(await anvil.rpc<string>('eth_blockNumber')))
      const { submitId } = submitted
      const receipt = await client!.status({ submitId, until: 'final' })
      expect(receipt).toMatchObject({ stage: 'final', txId: keccak256(signedTx) })
    },
    runLimitMs,
  )

  async function isLive(): Promise<boolean> {
    const page = await fetch(`${broadcaster!.httpUrl()}/readyz`)
    return page.ok
  }
})

async function tipOf(chain: { chainId: string }): Promise<bigint | undefined> {
  return (await broadcaster!.store.records.cursor(parseChainId(chain.chainId)))?.trail.at(-1)?.height
}

/** As if it had been saved so long ago. */
async function rewriteCursor(chain: string, agoMs: number): Promise<void> {
  const store = server.openAnother()
  await store.start()
  const id = parseChainId(chain)
  const cursor = (await store.records.cursor(id))!
  await store.records.saveCursor(id, cursor.trail, cursor.version, Date.now() - agoMs)
  await store.stop()
}

cosmosOrSkip('the watcher of a Cosmos chain', () => {
  let chain: CosmosChain
  let proxy: FaultyEndpoint

  beforeAll(async () => {
    chain = await startCosmosChain({ blockTimeMs: 100 })
    proxy = await startFaultyEndpoint(chain.rpcUrl)
  }, 20 * 60_000)

  afterAll(async () => {
    await proxy?.stop()
    await chain?.stop()
  }, startLimitMs)

  const send = (account: number, amount: number) =>
    signMsgSend(chain, { from: chain.accounts[account]!, to: chain.accounts[3]!.address, amount })

  it(
    'a node that was halted: it is found when the node is back',
    async () => {
      await start(cosmosSetup(chain, proxy.url))
      const signedTx = await send(0, 1)
      proxy.set({ mode: 'hang', methods: ['broadcast_tx_sync'] })
      const submitted = submit(chain.chainId, signedTx)
      await until(() => submitted.stages.includes('submitted'))
      await chain.halt()
      proxy.set({ mode: 'pass' })
      await chain.resume()
      expect(await submitted.outcome).toMatchObject({ stage: 'final', ok: true })
    },
    runLimitMs,
  )

  it(
    'a stop of ten minutes: found what landed, and by whom another was replaced',
    async () => {
      proxy.set({ mode: 'pass' })
      await start(cosmosSetup(chain, proxy.url))
      const [losing, other] = [await send(0, 1), await send(0, 2)]
      const landing = await send(1, 1)
      // It is handed over, and its endpoint keeps it.
      proxy.set({ mode: 'hang', methods: ['broadcast_tx_sync'] })
      const submitted = [losing, landing].map((signedTx) => submit(chain.chainId, signedTx))
      await until(() => submitted.every(({ stages }) => stages.includes('submitted')))
      await broadcaster!.stop()
      proxy.set({ mode: 'pass' })
      for (const signedTx of [other, landing]) {
        await chain.rpc('broadcast_tx_sync', { tx: Buffer.from(signedTx).toString('base64') })
      }
      const { hash } = await chain.rpc<{ hash: string }>('broadcast_tx_sync', {
        tx: Buffer.from(await send(2, 1)).toString('base64'),
      })
      await until(async () => {
        const found = await chain
          .rpc<{ height: string }>('tx', { hash: Buffer.from(hash, 'hex').toString('base64') })
          .catch(() => undefined)
        return found !== undefined
      })
      const height = BigInt((await status()).sync_info.latest_block_height)
      await until(async () => BigInt((await status()).sync_info.latest_block_height) > height + 10n, 100)
      await rewriteCursor(chain.chainId, 10 * 60_000)
      await start(cosmosSetup(chain, proxy.url))
      const { submitId } = submitted[1]!
      expect(await client!.status({ submitId, until: 'final' })).toMatchObject({ stage: 'final', ok: true })
      const told: TxState[] = []
      const asked = client!.status(
        { submitId: submitted[0]!.submitId, until: 'final' },
        {
          onProgress: (progress) => void ('state' in progress && progress.state && told.push(progress.state)),
        },
      )
      await expect(asked).rejects.toMatchObject({ errorName: 'replaced' })
      const last = told.at(-1)
      expect(last?.stage === 'replaced' && bytesToHex(last.by)).toBe(
        `0x${Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(other))).toString('hex')}`,
      )
      const { trail } = (await broadcaster!.store.records.cursor(parseChainId(chain.chainId)))!
      expect(trail[0]!.height).toBeGreaterThan(height)
    },
    runLimitMs,
  )

  it(
    'an endpoint of many nodes, every other one behind: each is found, and told once',
    async () => {
      const balanced = later(await startCrookedEndpoint(chain.rpcUrl))
      let turn = 0
      balanced.show(() => (turn++ % 2 === 0 ? behindComet(3) : honest))
      await start(cosmosSetup(chain, balanced.url))
      for (const account of [0, 1]) {
        const submitted = submit(chain.chainId, await send(account, 3))
        expect(await submitted.outcome).toMatchObject({ stage: 'final', ok: true })
        expect(submitted.stages.filter((stage) => stage === 'submitted').length).toBeLessThanOrEqual(1)
      }
      expect(balanced.calls('tx')).toBe(0)
    },
    runLimitMs,
  )

  const status = () => chain.rpc<{ sync_info: { latest_block_height: string } }>('status')
})
