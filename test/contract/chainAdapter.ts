import { inspect as showDeep } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { errorNameOf } from '@veilcast/shared/errors'
import { type Inclusion, type TxId, toTxId } from '@veilcast/shared/protocol'
import * as fc from 'fast-check'
import {
  type ChainAdapter,
  ChainUnavailable,
  type FoundTx,
  TransactionRefused,
} from '../../broadcaster/dist/chains/ChainAdapter.js'
import { askChain, readError } from '../support/askChain.ts'
import {
  endpointSecret,
  type FaultMode,
  type FaultyEndpoint,
  startFaultyEndpoint,
} from '../support/faultyEndpoint.ts'
import { until } from '../support/until.ts'

/** A real chain of one family, and what the suite has to know of it. */
export interface ChainUnderTest {
  /** JSON-RPC of a node. */
  readonly url: string
  createAdapter(endpoints: readonly { id: string; operator: string; url: string }[]): ChainAdapter
  /** An account with funds that no other test uses. */
  newAccount(): Promise<TestAccount>
  /** Sees to it that what nodes have been handed gets into a block. */
  mine(): Promise<void>
  /** The call that hands a transaction over: `eth_sendRawTransaction`, `broadcast_tx_sync`. */
  readonly submitMethod: string
  /** A read that is allowed, and whether a result is right. */
  readonly read: { readonly method: string; readonly params: unknown; isRight(result: unknown): boolean }
  /** An allowed method with parameters that do not fit it. */
  readonly misfit: { readonly method: string; readonly params: unknown }
  /** A method that a node has and a broadcaster does not pass on. */
  readonly forbidden: { readonly method: string; readonly params: unknown }
  stop(): Promise<void>
}

export interface TestAccount {
  /** Its next nonce or sequence. */
  readonly sequence: bigint
  /** A plain transfer, signed. */
  sign(sequence: bigint): Promise<Uint8Array>
}

/** What every chain adapter has to do, at a real node behind a proxy that can be told to misbehave. */
export function describeChainAdapterContract(name: string, startChain: () => Promise<ChainUnderTest>): void {
  describe(`chain adapter contract: ${name}`, () => {
    let chain: ChainUnderTest
    const toStop: { stop(): Promise<void> }[] = []

    beforeAll(async () => {
      chain = await startChain()
    }, 240_000)
    afterAll(() => chain?.stop(), 60_000)
    afterEach(async () => {
      for (const one of toStop.splice(0)) await one.stop()
    })

    /** An adapter at as many endpoints as there are names, each of another operator. */
    async function connect(...ids: string[]) {
      const endpoints: FaultyEndpoint[] = []
      for (const _ of ids) endpoints.push(await startFaultyEndpoint(chain.url))
      const adapter = chain.createAdapter(
        ids.map((id, index) => ({ id, operator: `${id}-operator`, url: endpoints[index]!.url })),
      )
      toStop.push(adapter, ...endpoints)
      await adapter.start()
      await until(() => adapter.endpoints().every(({ live }) => live))
      return { adapter, endpoints, endpoint: endpoints[0]! }
    }

    async function included(adapter: ChainAdapter, signedTx: Uint8Array): Promise<FoundTx> {
      const { txId } = adapter.inspect(signedTx)
      for (;;) {
        await chain.mine()
        const found = await adapter.find(txId)
        if (found) return found
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    }

    describe('inspect', () => {
      it('names the transaction by its bytes alone, before there is any endpoint', async () => {
        const adapter = chain.createAdapter([{ id: 'none', operator: 'none', url: 'http://127.0.0.1:1' }])
        const account = await chain.newAccount()
        const signedTx = await signNext(account)
        const one = adapter.inspect(signedTx)
        const two = adapter.inspect(signedTx.slice())
        expect(one.txId).toHaveLength(32)
        expect(Buffer.from(one.txId)).toEqual(Buffer.from(two.txId))
        expect(Buffer.from(one.signedTx)).toEqual(Buffer.from(signedTx))
        expect(one.account?.length).toBeGreaterThan(0)
        expect(one.sequence).toBe(account.sequence)
        const next = adapter.inspect(await account.sign(account.sequence + 1n))
        expect(Buffer.from(next.account!)).toEqual(Buffer.from(one.account!))
        expect(Buffer.from(next.txId)).not.toEqual(Buffer.from(one.txId))
      })

      it('behavior: refuses whatever is no canonical transaction, and throws nothing else', async () => {
        const adapter = chain.createAdapter([{ id: 'none', operator: 'none', url: 'http://127.0.0.1:1' }])
        const signedTx = await signNext(await chain.newAccount())
        const refusal = (bytes: Uint8Array): string | undefined => {
          try {
            adapter.inspect(bytes)
            return undefined
          } catch (error) {
            expect(error).toBeInstanceOf(TransactionRefused)
            const wire = (error as TransactionRefused).error
            expect(wire.outcome).toBe('notSent')
            return errorNameOf(wire.number)
          }
        }
        expect(refusal(new Uint8Array(0))).toBe('malformedTransaction')
        expect(refusal(signedTx.slice(0, -1))).toBe('malformedTransaction')
        expect(['nonCanonicalTransaction', 'malformedTransaction']).toContain(
          refusal(Uint8Array.from([...signedTx, 0])),
        )
        expect(refusal(new Uint8Array(adapter.maxTransactionBytes + 1))).toBe('transactionTooLarge')
        fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => void refusal(bytes)))
        fc.assert(
          fc.property(fc.nat(signedTx.length - 1), fc.nat(255), fc.nat(8), (at, byte, cut) => {
            const changed = Uint8Array.from([...signedTx.slice(0, at), byte, ...signedTx.slice(at + cut)])
            if (Buffer.compare(changed, signedTx) !== 0) refusal(changed)
          }),
          { numRuns: 500 },
        )
      })
    })

    describe('submit', () => {
      it('default: hands the bytes over once, and they are on chain under the name that inspect gave', async () => {
        const { adapter, endpoint } = await connect('a')
        const account = await chain.newAccount()
        const tx = adapter.inspect(await signNext(account))
        expect(await adapter.preflight(tx)).toEqual({ kind: 'ready' })
        expect(endpoint.calls(chain.submitMethod)).toBe(0)
        expect(await adapter.find(tx.txId)).toBeNull()

        expect(await adapter.submit('a', tx)).toEqual({ kind: 'taken' })
        expect(endpoint.calls(chain.submitMethod)).toBe(1)
        const found = await included(adapter, tx.signedTx)
        expect(isSuccess(found.inclusion)).toBe(true)
        expect(endpoint.calls(chain.submitMethod)).toBe(1)

        const block = await adapter.readBlock(found.block.height)
        expect(block).toMatchObject(found.block)
        expect(block!.hash).toMatch(/^[0-9a-f]{64}$/)
        expect(block!.hash).toBe(Buffer.from(found.inclusion.blockHash).toString('hex'))
        const inBlock = block!.transactions.find(({ txId }) => Buffer.compare(txId, tx.txId) === 0)!
        expect(inBlock.inclusion).toEqual(found.inclusion)
        if (inBlock.account) {
          expect(Buffer.from(inBlock.account)).toEqual(Buffer.from(tx.account!))
          expect(inBlock.sequence).toBe(tx.sequence)
        }
        expect(await adapter.nextSequence(tx.account!)).toBe(tx.sequence! + 1n)
      })

      it('behavior: the same bytes again do no harm', async () => {
        const { adapter } = await connect('a')
        const tx = adapter.inspect(await signNext(await chain.newAccount()))
        expect(await adapter.submit('a', tx)).toEqual({ kind: 'taken' })
        expect(['taken', 'used']).toContain((await adapter.submit('a', tx)).kind)
        await included(adapter, tx.signedTx)
        expect(['taken', 'used']).toContain((await adapter.submit('a', tx)).kind)
        expect(await adapter.preflight(tx)).toEqual({ kind: 'used', expected: tx.sequence! + 1n })
      })

      const faults: FaultMode[] = ['html', '429', 'half', 'wrongHash', '500', 'close']
      it.each(faults)('behavior: an endpoint that gives %s is unavailable and set aside', async (mode) => {
        const { adapter, endpoint } = await connect('a', 'b')
        const tx = adapter.inspect(await signNext(await chain.newAccount()))
        endpoint.set({ mode, methods: [chain.submitMethod] })
        expect(await adapter.submit('a', tx)).toEqual({ kind: 'unavailable' })
        expect(endpoint.calls(chain.submitMethod)).toBe(1)
        const trouble = mode === '429' ? 'rateLimited' : mode === 'wrongHash' ? 'lied' : 'unreachable'
        expect(adapter.endpoints()[0]).toMatchObject({ id: 'a', live: false, trouble })
        expect(adapter.pickEndpoints({ sticky: ['a'] })).toEqual(['b'])
        expect(['taken', 'used']).toContain((await adapter.submit('b', tx)).kind)
        await included(adapter, tx.signedTx)
      })

      it('behavior: an endpoint that passes the bytes on and then fails has not lost them', async () => {
        const { adapter, endpoint } = await connect('a')
        const tx = adapter.inspect(await signNext(await chain.newAccount()))
        endpoint.set({ mode: 'close', methods: [chain.submitMethod], forward: true })
        expect(await adapter.submit('a', tx)).toEqual({ kind: 'unavailable' })
        endpoint.set({ mode: 'pass' })
        await until(() => adapter.live())
        expect(isSuccess((await included(adapter, tx.signedTx)).inclusion)).toBe(true)
      })

      it('behavior: an abort ends the wait', async () => {
        const { adapter, endpoint } = await connect('a')
        const tx = adapter.inspect(await signNext(await chain.newAccount()))
        endpoint.set({ mode: 'hang' })
        const abort = new AbortController()
        const submitting = adapter.submit('a', tx, { signal: abort.signal })
        const reading = adapter.head({ signal: abort.signal })
        const looking = adapter.preflight(tx, { signal: abort.signal })
        abort.abort()
        for (const waiting of [submitting, reading, looking]) {
          await expect(waiting).rejects.toMatchObject({ name: 'AbortError' })
        }
      })

      it('behavior: an endpoint that nobody configured is unavailable', async () => {
        const { adapter } = await connect('a')
        const tx = adapter.inspect(await signNext(await chain.newAccount()))
        expect(await adapter.submit('removed', tx)).toEqual({ kind: 'unavailable' })
      })
    })

    describe('reads', () => {
      it('head and readBlock: blocks hang together, and there is none above the head', async () => {
        const { adapter } = await connect('a')
        const tx = adapter.inspect(await signNext(await chain.newAccount()))
        await adapter.submit('a', tx)
        const { block } = await included(adapter, tx.signedTx)
        const head = await adapter.head()
        expect(head.height).toBeGreaterThanOrEqual(block.height)
        expect(head.finalHeight).toBeLessThanOrEqual(head.height)
        expect(head.hash).toMatch(/^[0-9a-f]{64}$/)
        expect(Math.abs(head.timeMs - Date.now())).toBeLessThan(3_600_000)
        const [parent, child] = [
          await adapter.readBlock(block.height - 1n),
          await adapter.readBlock(block.height),
        ]
        expect(child!.parentHash).toBe(parent!.hash)
        expect(await adapter.blockHash(block.height)).toBe(child!.hash)
        expect(await adapter.blockHash(head.height + 1_000_000n)).toBeNull()
        expect(await adapter.readBlock(head.height + 1_000_000n)).toBeNull()
      })

      it('find and nextSequence: nothing is known of what never was', async () => {
        const { adapter } = await connect('a')
        expect(await adapter.find(toTxId(new Uint8Array(32).fill(7)))).toBeNull()
        const account = await chain.newAccount()
        const { account: bytes } = adapter.inspect(await signNext(account))
        expect(await adapter.nextSequence(bytes!)).toBe(account.sequence)
      })

      it('slotUse: its number is open, and then its own', async () => {
        const { adapter } = await connect('a', 'b')
        const account = await chain.newAccount()
        const [tx, next] = [
          adapter.inspect(await account.sign(account.sequence)),
          adapter.inspect(await account.sign(account.sequence + 1n)),
        ]
        expect(await adapter.slotUse(tx, 'latest')).toBe('open')
        await adapter.submit('a', tx)
        const { block } = await included(adapter, tx.signedTx)
        // A node's index may come a moment after its state.
        await until(async () => (await adapter.slotUse(tx, block.height)) === 'landed')
        expect(await adapter.slotUse(next, 'latest')).toBe('open')
      })

      it('witness: another endpoint tells the same of a block; one that cannot be asked is nobody', async () => {
        const { adapter, endpoints } = await connect('a', 'b')
        const tx = adapter.inspect(await signNext(await chain.newAccount()))
        await adapter.submit('a', tx)
        const found = await included(adapter, tx.signedTx)
        const block = (await adapter.readBlock(found.block.height))!
        const other = endpoints[block.from === 'a' ? 1 : 0]!
        const before = other.calls()
        const told = (txIds: readonly TxId[]) => ({ kind: 'told', txIds })
        expect(await adapter.witness(block, [tx.txId])).toEqual(told([tx.txId]))
        expect(other.calls()).toBeGreaterThan(before)
        const { hash } = block
        expect(await adapter.witness({ ...block, hash: `ff${hash.slice(2)}` }, [tx.txId])).toEqual({
          kind: 'otherBlock',
          endpoints: [block.from === 'a' ? 'b' : 'a'],
        })
        const elsewhere = block.transactions.map((one) => ({
          ...one,
          inclusion: { ...one.inclusion, gasUsed: one.inclusion.gasUsed + 1n },
        }))
        expect(await adapter.witness({ ...block, transactions: elsewhere }, [tx.txId])).toEqual(told([]))
        other.set({ mode: 'html' })
        expect(await adapter.witness(block, [tx.txId])).toEqual(told([tx.txId]))
        expect(await adapter.witness(block, [])).toEqual(told([]))
      })

      it('query: answers what is on its list, and only that', async () => {
        const { adapter, endpoint } = await connect('a')
        const { method, params, isRight } = chain.read
        expect(isRight(await askChain(adapter, method, params))).toBe(true)
        const refusal = ({ method, params }: { method: string; params: unknown }) =>
          readError(adapter, method, params)
        expect(await refusal(chain.forbidden)).toBe('methodNotAllowed')
        expect(await refusal({ method: chain.submitMethod, params: ['0x00'] })).toBe('methodNotAllowed')
        expect(await refusal({ method: 'constructor', params: [] })).toBe('methodNotAllowed')
        expect(await refusal(chain.misfit)).toBe('invalidParams')
        expect(endpoint.calls(chain.forbidden.method) + endpoint.calls(chain.submitMethod)).toBe(0)
      })
    })

    describe('endpoints', () => {
      it('behavior: while one of two is ill, the other answers', async () => {
        const { adapter, endpoint } = await connect('a', 'b')
        endpoint.set({ mode: 'half' })
        for (let i = 0; i < 8; i++) expect((await adapter.head()).height).toBeGreaterThanOrEqual(0n)
        endpoint.set({ mode: 'pass' })
        await until(() => adapter.endpoints().every(({ live }) => live))
      })

      it('behavior: where none answers the chain is unavailable, and nothing tells their URLs', async () => {
        const { adapter, endpoints } = await connect('a', 'b')
        const tx = adapter.inspect(await signNext(await chain.newAccount()))
        for (const endpoint of endpoints) endpoint.set({ mode: 'html' })
        const inclusion = { family: adapter.family, height: 1n, ok: false, code: 1 } as unknown as Inclusion
        const failures = await Promise.all(
          [
            adapter.head(),
            adapter.readBlock(1n),
            adapter.find(tx.txId),
            adapter.nextSequence(tx.account!),
          ].map((asked) => asked.catch((error: unknown) => error)),
        )
        for (const failure of failures) {
          expect(failure).toBeInstanceOf(ChainUnavailable)
          expect(showDeep(failure, { depth: 10, showHidden: true })).not.toContain(endpointSecret)
        }
        const { method, params } = chain.read
        expect(await readError(adapter, method, params)).toBe('noLiveEndpoint')
        expect(await adapter.preflight(tx)).toEqual({ kind: 'unavailable' })
        expect(await adapter.submit('a', tx)).toEqual({ kind: 'unavailable' })
        expect(await adapter.revertData(tx, inclusion)).toHaveLength(0)
        expect(adapter.live()).toBe(false)
        expect(adapter.pickEndpoints()).toEqual([])
        expect(showDeep(adapter.endpoints(), { depth: 10 })).not.toContain(endpointSecret)

        for (const endpoint of endpoints) endpoint.set({ mode: 'pass' })
        await until(() => adapter.live())
        expect(adapter.endpoints().map(({ id, operator }) => ({ id, operator }))).toEqual([
          { id: 'a', operator: 'a-operator' },
          { id: 'b', operator: 'b-operator' },
        ])
      })

      it('behavior: after stop no endpoint hears of us', async () => {
        const { adapter, endpoint } = await connect('a')
        await adapter.stop()
        const requests = endpoint.requests()
        await new Promise((resolve) => setTimeout(resolve, 300))
        expect(endpoint.requests()).toBe(requests)
        expect(adapter.live()).toBe(false)
      })
    })
  })
}

function isSuccess(inclusion: Inclusion): boolean {
  return inclusion.family === 'evm' ? inclusion.ok : inclusion.code === 0
}

function signNext(account: TestAccount): Promise<Uint8Array> {
  return account.sign(account.sequence)
}
