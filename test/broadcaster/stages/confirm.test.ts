import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { type Anvil, startAnvil } from '@veilcast/devnet'
import { parseChainId } from '@veilcast/shared/protocol'
import { type Hex, hexToBytes } from 'viem'
import { type ChainAdapter, ChainUnavailable } from '../../../broadcaster/dist/chains/ChainAdapter.js'
import { type ConfirmStage, createConfirmStage } from '../../../broadcaster/dist/stages/confirm.js'
import { createEndReplaced } from '../../../broadcaster/dist/stages/endReplaced.js'
import { createSettle, type Settle } from '../../../broadcaster/dist/stages/settle.js'
import { createSubmitJobs } from '../../../broadcaster/dist/stages/submitJobs.js'
import type { BlockRef, TxStore } from '../../../broadcaster/dist/store/TxStore.js'
import { signEthTransfer } from '../../support/devnetSign.ts'
import { createAnvilAdapter } from '../../support/evmAdapter.ts'
import { type FaultyEndpoint, startFaultyEndpoint } from '../../support/faultyEndpoint.ts'
import { admitted, stageParts } from '../../support/stageParts.ts'
import { withEmbeddedStore } from '../../support/store.ts'
import { until } from '../../support/until.ts'

describe('confirm', () => {
  const store = withEmbeddedStore()
  const chain = parseChainId('eip155:31337')
  let anvil: Anvil
  let endpoint: FaultyEndpoint
  let adapter: ChainAdapter | undefined
  let stage: ConfirmStage | undefined

  beforeAll(async () => {
    anvil = await startAnvil({})
    await anvil.setAutomine(false)
    endpoint = await startFaultyEndpoint(anvil.rpcUrl)
  }, 60_000)
  afterEach(async () => {
    await stage?.stop()
    await adapter?.stop()
  })
  afterAll(async () => {
    await endpoint?.stop()
    await anvil?.stop()
  })

  /** Ended with the test. */
  async function startAdapter(): Promise<ChainAdapter> {
    adapter = createAnvilAdapter([{ id: 'anvil', operator: 'anvil', url: endpoint.url }], {
      probeIntervalMs: 60_000,
    })
    await adapter.start()
    return adapter
  }

  /** Counts what goes to the store, and how much of it at once. */
  function counting(records: TxStore) {
    const counts = { match: 0, update: 0, updatesAtOnce: 0, listLive: 0, get: 0 }
    let underWay = 0
    const counted: TxStore = Object.create(records, {
      match: { value: (...args: Parameters<TxStore['match']>) => ++counts.match && records.match(...args) },
      listLive: {
        value: (...args: Parameters<TxStore['listLive']>) => ++counts.listLive && records.listLive(...args),
      },
      get: { value: (...args: Parameters<TxStore['get']>) => ++counts.get && records.get(...args) },
      update: {
        value: async (...args: Parameters<TxStore['update']>) => {
          counts.update++
          counts.updatesAtOnce = Math.max(counts.updatesAtOnce, ++underWay)
          return records.update(...args).finally(() => underWay--)
        },
      },
    })
    return { counted, counts }
  }

  it('matches a block of 90 of ours among 200 waiting in one look, and asks for none of them alone', async () => {
    const adapter = await startAdapter()
    const base = stageParts(store(), [adapter])
    const { counted, counts } = counting(base.records)
    const parts = { ...base, records: counted }
    const settle = createSettle({ ...parts, retentionSeconds: 60 })
    const keys: string[] = []
    for (let nonce = 0; nonce < 30; nonce++) {
      for (const from of anvil.accounts.slice(0, 3)) {
        const signed = await signEthTransfer(anvil, { from, to: from.address, valueWei: 1n, nonce })
        const held = await admitted(base, chain, { adapter, signedTx: hexToBytes(signed as Hex) })
        await base.settle.exposed(held, ['anvil'])
        await anvil.rpc('eth_sendRawTransaction', [signed])
        keys.push(held.key)
      }
    }
    for (let waiting = 0; waiting < 110; waiting++) {
      await base.settle.exposed(await admitted(base, chain), ['anvil'])
    }
    const { height, hash } = await adapter.head()
    await base.records.saveCursor(chain, [{ height, hash }], 0, Date.now())
    const before = {
      blocks: endpoint.calls('eth_getBlockReceipts'),
      receipts: endpoint.calls('eth_getTransactionReceipt'),
    }
    stage = createConfirmStage({
      ...parts,
      adapter,
      settle,
      endReplaced: createEndReplaced({ ...parts, settle }),
      submitJobs: createSubmitJobs(parts.queues),
      pollIntervalMs: 100,
    })
    await stage.start(undefined)
    await anvil.mine(1)
    const states = () => Promise.all(keys.map(async (key) => (await base.records.get(key as never))?.state))
    await until(async () => (await states()).every((state) => state === 'included'))
    expect(counts).toMatchObject({ match: 1, update: 90, listLive: 0, get: 0 })
    expect(counts.updatesAtOnce).toBeGreaterThan(1)
    expect(counts.updatesAtOnce).toBeLessThanOrEqual(64)
    await anvil.mine(2)
    await until(async () => (await states()).every((state) => state === 'final'))
    // Empty blocks are no question to the store.
    expect(counts).toMatchObject({ match: 1, update: 180, listLive: 0, get: 0 })
    expect(endpoint.calls('eth_getBlockReceipts') - before.blocks).toBe(3)
    expect(endpoint.calls('eth_getTransactionReceipt')).toBe(before.receipts)
  }, 60_000)

  it('passes over what cannot be looked up after a gap, and matches the last blocks all the same', async () => {
    const real = await startAdapter()
    const parts = stageParts(store(), [real])
    const cursor = await parts.records.cursor(chain)
    const { height, hash } = await real.head()
    await parts.records.saveCursor(chain, [{ height, hash }], cursor?.version ?? 0, Date.now())
    const handed = async (account: number) => {
      const from = anvil.accounts[account]!
      const signed = await signEthTransfer(anvil, { from, to: from.address, valueWei: 1n, nonce: 0 })
      const held = await admitted(parts, chain, { adapter: real, signedTx: hexToBytes(signed as Hex) })
      await parts.settle.exposed(held, ['anvil'])
      const { txId } = real.inspect(hexToBytes(signed as Hex))
      const send = () => anvil.rpc('eth_sendRawTransaction', [signed])
      const state = async () => (await parts.records.get(held.key))?.state
      return { txId: Buffer.from(txId).toString('hex'), send, state }
    }
    const [old, unanswered, notSent, newest] = await Promise.all([5, 6, 7, 8].map(handed))
    await old!.send()
    await anvil.mine(300)
    await newest!.send()
    await anvil.mine(1)

    const asked: string[] = []
    const ailing: ChainAdapter = Object.create(real, {
      find: {
        value: async (...args: Parameters<ChainAdapter['find']>) => {
          const txId = Buffer.from(args[0]).toString('hex')
          asked.push(txId)
          if (txId === unanswered!.txId) throw new ChainUnavailable('No endpoint answers.')
          // As an endpoint does that is a block behind.
          return txId === newest!.txId ? null : real.find(...args)
        },
      },
      // As nodes answer that have let go of the state.
      slotUse: { value: () => Promise.reject(new ChainUnavailable('No endpoint answers.')) },
    })
    stage = createConfirmStage({
      ...parts,
      adapter: ailing,
      endReplaced: createEndReplaced(parts),
      submitJobs: createSubmitJobs(parts.queues),
      pollIntervalMs: 100,
    })
    await stage.start(undefined)
    const head = await real.head()
    await until(async () => (await parts.records.cursor(chain))?.trail.at(-1)?.height === head.height)
    expect(asked).toContain(unanswered!.txId)
    expect(await newest!.state()).toBe('included')
    await until(async () => (await old!.state()) === 'final')
    expect([await unanswered!.state(), await notSent!.state()]).toEqual(['exposed', 'exposed'])
  }, 60_000)

  it('reads four blocks at once and no more, writes them in order, and begins with one again where one does not fit', async () => {
    const real = await startAdapter()
    const parts = stageParts(store(), [real])
    const from = anvil.accounts[9]!
    const keys: string[] = []
    const start = await real.head()
    const sendOne = async (nonce: number) => {
      const signed = await signEthTransfer(anvil, { from, to: from.address, valueWei: 1n, nonce })
      const held = await admitted(parts, chain, { adapter: real, signedTx: hexToBytes(signed as Hex) })
      await parts.settle.exposed(held, ['anvil'])
      await anvil.rpc('eth_sendRawTransaction', [signed])
      keys.push(held.key)
    }
    for (let nonce = 0; nonce < 20; nonce++) {
      await sendOne(nonce)
      await anvil.mine(1)
    }
    const cursor = await parts.records.cursor(chain)
    const { height, hash } = start
    await parts.records.saveCursor(chain, [{ height, hash }], cursor?.version ?? 0, Date.now())

    let underWay = 0
    let mostUnderWay = 0
    const timesRead: number[] = []
    let besideItAgain: number | undefined
    let openGate = (): void => {}
    const fourAreUnderWay = new Promise<void>((resolve) => {
      openGate = resolve
    })
    const far: ChainAdapter = Object.create(real, {
      readBlock: {
        value: async (...args: Parameters<ChainAdapter['readBlock']>) => {
          const place = Number(args[0] - height)
          timesRead[place] = (timesRead[place] ?? 0) + 1
          mostUnderWay = Math.max(mostUnderWay, ++underWay)
          if (place === 10 && timesRead[10] === 2) besideItAgain = underWay
          if (underWay === 4) openGate()
          if (place >= 4) await fourAreUnderWay
          const block = await real.readBlock(...args).finally(() => underWay--)
          if (place !== 10 || timesRead[10] !== 1) return block
          // As of another branch, by an endpoint that left it a moment later.
          return { ...block, parentHash: 'ff'.repeat(32), hash: 'ee'.repeat(32) }
        },
      },
    })
    const saved: bigint[] = []
    const records: TxStore = Object.create(parts.records, {
      saveCursor: {
        value: (...args: Parameters<TxStore['saveCursor']>) => {
          saved.push((args[1].at(-1)?.height ?? 0n) - height)
          return parts.records.saveCursor(...args)
        },
      },
    })
    const told = new Map<string, BlockRef>()
    const settle: Settle = Object.create(parts.settle, {
      included: {
        value: (...args: Parameters<Settle['included']>) => {
          told.set(args[0].key, args[2])
          return parts.settle.included(...args)
        },
      },
    })
    stage = createConfirmStage({
      ...parts,
      records,
      settle,
      adapter: far,
      endReplaced: createEndReplaced(parts),
      submitJobs: createSubmitJobs(parts.queues),
      pollIntervalMs: 100,
    })
    await stage.start(undefined)
    await until(() => saved.length >= 20)
    expect(saved).toEqual(Array.from({ length: 20 }, (_, index) => BigInt(index + 1)))
    expect([mostUnderWay, timesRead[10], besideItAgain]).toEqual([4, 2, 1])
    expect([...told.keys()].sort()).toEqual([...keys].sort())
    for (const { height: at, hash: of } of told.values()) expect(await real.blockHash(at)).toBe(of)
  }, 60_000)
})
