import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type Anvil, startAnvil } from '@veilcast/devnet'
import { parseChainId } from '@veilcast/shared/protocol'
import { hexToBytes } from 'viem'
import type { ChainAdapter } from '../../../broadcaster/dist/chains/ChainAdapter.js'
import { createEndReplaced } from '../../../broadcaster/dist/stages/endReplaced.js'
import { createIncarnation } from '../../../broadcaster/dist/stages/incarnation.js'
import { createReconcileStage, reconcileQueue } from '../../../broadcaster/dist/stages/reconcile.js'
import { createSubmitJobs, submitQueue } from '../../../broadcaster/dist/stages/submitJobs.js'
import { signEthTransfer } from '../../support/devnetSign.ts'
import { createAnvilAdapter } from '../../support/evmAdapter.ts'
import { admitted, stageParts } from '../../support/stageParts.ts'
import { withEmbeddedStore } from '../../support/store.ts'

describe('reconcile', () => {
  const store = withEmbeddedStore()
  const chain = parseChainId('eip155:31337')
  let anvil: Anvil
  let adapter: ChainAdapter
  let parts: ReturnType<typeof stageParts>
  let account = 0

  beforeAll(async () => {
    anvil = await startAnvil({})
  }, 60_000)
  afterAll(() => anvil?.stop())
  beforeEach(async () => {
    adapter = createAnvilAdapter([{ id: 'anvil', operator: 'anvil', url: anvil.rpcUrl }])
    await adapter.start()
    parts = stageParts(store(), [adapter])
  })
  afterEach(() => adapter.stop())

  /** Its first run. */
  async function run(): Promise<void> {
    const endReplaced = createEndReplaced(parts)
    const submitJobs = createSubmitJobs(parts.queues)
    const incarnation = createIncarnation({ ...parts, chains: [chain], onChange() {} })
    await incarnation.meet()
    const stage = createReconcileStage({
      ...parts,
      incarnation,
      endReplaced,
      submitJobs,
      rebroadcastAfterMs: 60_000,
    })
    await stage.start()
    await stage.stop()
    await parts.queues.queue(reconcileQueue).removeJobScheduler('reconcile')
  }

  /** Handed over, and its notAfter a second ago. */
  async function late() {
    const from = anvil.accounts[account++]!
    const signed = await signEthTransfer(anvil, { from, to: from.address, valueWei: 1n, nonce: 0 })
    const notAfterMs = Date.now() - 1_000
    const held = await admitted(parts, chain, { adapter, signedTx: hexToBytes(signed), notAfterMs })
    return { from, signed, record: (await parts.settle.exposed(held, ['anvil']))! }
  }

  async function matchedUpToHead(): Promise<void> {
    const { height, hash } = await adapter.head()
    const cursor = await parts.records.cursor(chain)
    await parts.records.saveCursor(chain, [{ height, hash }], cursor?.version ?? 0, Date.now())
  }

  it('ends what is late only when the blocks up to its notAfter were matched', async () => {
    const { record } = await late()
    await matchedUpToHead()
    await anvil.rpc('evm_increaseTime', [5])
    await anvil.mine(1)
    await run()
    expect((await parts.records.get(record.key))?.state).toBe('exposed')
    await matchedUpToHead()
    await run()
    expect((await parts.records.get(record.key))?.state).toBe('lapsed')
  })

  it('finds what is late in a block that was never matched', async () => {
    const { record, signed } = await late()
    await anvil.rpc('eth_sendRawTransaction', [signed])
    await anvil.rpc('evm_increaseTime', [5])
    await anvil.mine(1)
    await matchedUpToHead()
    await run()
    expect((await parts.records.get(record.key))?.state).toBe('included')
  })

  it('waits for another that has its nonce until that is final: replaced, and not lapsed', async () => {
    const { record, from } = await late()
    const other = await signEthTransfer(anvil, { from, to: from.address, valueWei: 2n, nonce: 0 })
    await anvil.rpc('evm_increaseTime', [5])
    await anvil.rpc('eth_sendRawTransaction', [other])
    await anvil.mine(1)
    await matchedUpToHead()
    await run()
    expect((await parts.records.get(record.key))?.state).toBe('exposed')
    await anvil.mine(2)
    await matchedUpToHead()
    await run()
    expect((await parts.records.get(record.key))?.state).toBe('replaced')
  })

  it('goes on past a record that was sealed under another key', async () => {
    const strange = stageParts(store(), [adapter])
    const from = anvil.accounts[account++]!
    for (let nonce = 0; nonce < 8; nonce++) {
      const signed = await signEthTransfer(anvil, { from, to: from.address, valueWei: 1n, nonce })
      const notAfterMs = Date.now() - 1_000
      const held = await admitted(strange, chain, { adapter, signedTx: hexToBytes(signed), notAfterMs })
      await strange.settle.exposed(held, ['anvil'])
    }
    const { record } = await late()
    await anvil.rpc('evm_increaseTime', [5])
    await anvil.mine(1)
    await matchedUpToHead()
    await run()
    expect((await parts.records.get(record.key))?.state).toBe('lapsed')
  })

  it('makes the submit jobs that are missing, however many', async () => {
    const from = anvil.accounts[account++]!
    for (let nonce = 0; nonce < 40; nonce++) {
      const signed = await signEthTransfer(anvil, { from, to: from.address, valueWei: 1n, nonce })
      await admitted(parts, chain, { adapter, signedTx: hexToBytes(signed) })
    }
    await run()
    expect(await parts.queues.queue(submitQueue).getJobCountByTypes('waiting')).toBe(40)
  })

  it('deletes all that was kept long enough, page after page, in one run', async () => {
    const swept: number[] = []
    const { records } = parts
    const sweep = async (_nowMs: number, limit: number) => {
      swept.push(swept.length < 2 ? limit : 1)
      return swept.at(-1)
    }
    parts = { ...parts, records: Object.create(records, { sweep: { value: sweep } }) }
    await run()
    // The next run is due at a full half minute, which may be now.
    expect(swept.slice(0, 3)).toEqual([4096, 4096, 1])
  })
})
