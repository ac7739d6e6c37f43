import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { errorNameOf } from '@veilcast/shared/errors'
import { createLoopback } from '@veilcast/shared/mixnet/loopback'
import { encodeRequest, newRequestId, parseChainId, type ReplyBody } from '@veilcast/shared/protocol'
import { BaseAccount } from 'cosmjs-types/cosmos/auth/v1beta1/auth'
import { QueryAccountRequest, QueryAccountResponse } from 'cosmjs-types/cosmos/auth/v1beta1/query'
import { QueryBalanceResponse } from 'cosmjs-types/cosmos/bank/v1beta1/query'
import { SignMode } from 'cosmjs-types/cosmos/tx/signing/v1beta1/signing'
import { CosmosKey, type SignedParts, signCosmosTx, txBytes, txHash } from '../../support/cosmosTx.ts'
import { type FakeComet, startFakeComet } from '../../support/fakeComet.ts'
import { startTestBroadcaster, type TestBroadcaster } from '../../support/path.ts'
import { type RawDialer, startRawDialer } from '../../support/rawDialer.ts'
import { type StoreServer, startEmbedded } from '../../support/store.ts'
import { until } from '../../support/until.ts'

const limitMs = 60_000
/** Longer than a count at the door is shared. */
const countSharedMs = 400
const chain = parseChainId('cosmos:fake-1')
const victim = new CosmosKey('victim')
const thief = new CosmosKey('thief')

describe('the door of a Cosmos chain', () => {
  let server: StoreServer
  let node: FakeComet
  let broadcaster: TestBroadcaster
  let wallet: RawDialer
  let handed: string[]

  beforeAll(async () => {
    server = await startEmbedded()
  }, limitMs)
  afterAll(() => server?.stop(), limitMs)
  beforeEach(async () => {
    node = await startFakeComet('0.38')
    handed = []
    const answerOf = (bytes: Uint8Array) => ({
      response: { code: 0, value: Buffer.from(bytes).toString('base64'), height: '1' },
    })
    node.handlers.set('abci_query', ({ path, data }) => {
      if (path !== '/cosmos.auth.v1beta1.Query/Account') {
        return answerOf(
          QueryBalanceResponse.encode({ balance: { denom: 'stake', amount: '1000000' } }).finish(),
        )
      }
      const { address } = QueryAccountRequest.decode(Buffer.from(String(data), 'hex'))
      const value = BaseAccount.encode(BaseAccount.fromPartial({ address, accountNumber: 7n })).finish()
      return answerOf(
        QueryAccountResponse.encode({ account: { typeUrl: BaseAccount.typeUrl, value } }).finish(),
      )
    })
    // A node takes what the victim signed, and nothing else.
    node.handlers.set('broadcast_tx_sync', ({ tx }) => {
      const bytes = Buffer.from(String(tx), 'base64')
      handed.push(txHash(bytes))
      const isSigned = mine.has(txHash(bytes))
      return {
        code: isSigned ? 0 : 4,
        codespace: isSigned ? '' : 'sdk',
        log: '',
        hash: txHash(bytes).toUpperCase(),
      }
    })
  })
  afterEach(async () => {
    await wallet?.stop()
    await broadcaster?.stop()
    await node?.stop()
  }, limitMs)

  const mine = new Set<string>()
  function signed(parts: Partial<SignedParts> = {}): Uint8Array {
    const bytes = txBytes(signCosmosTx({ key: victim, ...parts }))
    mine.add(txHash(bytes))
    return bytes
  }
  /** Says that the victim signed it. */
  function forged(parts: Partial<SignedParts>): Uint8Array {
    const raw = signCosmosTx({ key: victim, ...parts })
    return txBytes({ ...raw, signatures: [thief.sign(raw.bodyBytes)] })
  }

  async function open(limits: object, store = server.open()): Promise<void> {
    const loopback = createLoopback({ seed: 3 })
    broadcaster = await startTestBroadcaster({
      listener: loopback.listener('broadcaster'),
      store,
      chains: [
        {
          chain,
          bech32Prefix: 'cosmos',
          endpoints: [{ id: 'fake', url: node.url }],
          pollIntervalMs: 100,
          probeIntervalMs: 100,
        },
      ],
      limits,
      reconcileEveryMs: 500,
    })
    await server.clean()
    wallet = await startRawDialer(loopback.dialer(), broadcaster.address())
  }

  async function submit(signedTx: Uint8Array): Promise<ReplyBody> {
    const id = newRequestId()
    const answer = wallet.replyTo(id)
    const notAfter = Math.floor(Date.now() / 1000) + 600
    const body = { kind: 'submit', until: 'accepted', everyStage: false, notAfter, chain, signedTx } as const
    await wallet.send(encodeRequest({ id, surbs: 2, body }), 2)
    return answer
  }
  /** What was said first to each, all sent at once: the stage, or the error's name with its numbers. */
  const words = async (all: readonly Uint8Array[]) =>
    (await Promise.all(all.map(submit))).map((body) =>
      body.kind === 'failure'
        ? [errorNameOf(body.error.number), body.error.outcome, ...body.error.values].join(' ')
        : body.kind,
    )
  const waiting = () => broadcaster.store.records.countWaiting(chain)
  const few = (count: number, of: (index: number) => Uint8Array) =>
    Array.from({ length: count }, (_, index) => of(index))

  it(
    'who signs in the name of another fills at most half of his lane, and he finds the other half',
    async () => {
      await open({ maxWaitingPerAccount: 8 })
      const amino = { mode: SignMode.SIGN_MODE_LEGACY_AMINO_JSON }
      const said = await words(few(12, (index) => forged({ ...amino, sequence: BigInt(index) })))
      expect(said.filter((word) => word === 'state')).toHaveLength(4)
      expect(new Set(said)).toEqual(new Set(['state', 'accountBacklogFull notSent 4 4']))
      // From here on a signature that can be checked is, before it has a place.
      const unsigned = await words(few(12, (index) => forged({ sequence: BigInt(index) })))
      expect(new Set(unsigned)).toEqual(new Set(['invalidSignature unknown']))
      expect(await waiting()).toBe(4)

      const own = few(5, (index) => signed({ sequence: BigInt(index) }))
      const [first, ...later] = own as [Uint8Array, ...Uint8Array[]]
      expect(await words([first])).toEqual(['state'])
      await until(() => handed.includes(txHash(first)))
      expect((await words(later)).sort()).toEqual([
        'accountBacklogFull notSent 8 8',
        'state',
        'state',
        'state',
      ])
    },
    limitMs,
  )

  it(
    'transactions that name no key fill at most half of the chain',
    async () => {
      await open({ maxWaitingPerChain: 10 })
      const said = await words(few(12, (index) => forged({ keyless: true, sequence: BigInt(index) })))
      expect(said.filter((word) => word === 'state').length).toBeLessThanOrEqual(5)
      expect(await waiting()).toBeGreaterThan(0)
      // Until the count is taken anew, what was just written may count twice.
      await delay(countSharedMs)
      const own = signed({ sequence: 0n })
      expect(await words([own])).toEqual(['state'])
      await until(() => handed.includes(txHash(own)))
    },
    limitMs,
  )

  it(
    'twenty of one account are written side by side, and no more than its limit',
    async () => {
      const store = server.open()
      let atOnce = 0
      let most = 0
      let go = () => {}
      const twentyAreUnderWay = new Promise<void>((resolve) => {
        go = resolve
      })
      await open(
        { maxWaitingPerAccount: 20 },
        withRecords(store, {
          async admit(draft) {
            atOnce++
            most = Math.max(most, atOnce)
            if (atOnce === 20) go()
            await twentyAreUnderWay
            return store.records.admit(draft).finally(() => atOnce--)
          },
        }),
      )
      const said = await words(few(40, (index) => signed({ sequence: BigInt(index) })))
      expect(most).toBe(20)
      expect(said.filter((word) => word === 'state')).toHaveLength(20)
      expect(new Set(said)).toEqual(new Set(['state', 'accountBacklogFull notSent 20 20']))
      expect(await waiting()).toBe(20)
    },
    limitMs,
  )

  it(
    'what was written is accepted though its job was not added, and is handed over all the same',
    async () => {
      const store = server.open()
      const triedTwice = 2
      let failures = 0
      const queues: typeof store.queues = {
        ...store.queues,
        queue(name) {
          const queue = store.queues.queue(name)
          if (name !== 'submit') return queue
          return new Proxy(queue, {
            get(target, property) {
              const value: unknown = Reflect.get(target, property)
              if ((property === 'add' || property === 'addBulk') && failures < triedTwice) {
                return async () => {
                  failures++
                  throw new Error('no job is added')
                }
              }
              return typeof value === 'function' ? value.bind(target) : value
            },
          })
        },
      }
      await open({}, withParts(store, { queues }))
      const own = signed({ sequence: 0n, body: { memo: 'jobless' } })
      expect(await words([own])).toEqual(['state'])
      expect(failures).toBe(triedTwice)
      await until(() => handed.includes(txHash(own)))
    },
    limitMs,
  )

  type OpenStore = ReturnType<StoreServer['open']>
  function withParts(store: OpenStore, parts: Partial<OpenStore>): OpenStore {
    return { ...store, ...parts }
  }
  function withRecords(store: OpenStore, verbs: Partial<OpenStore['records']>): OpenStore {
    const records = new Proxy(store.records, {
      get: (target, property) => Reflect.get({ ...verbs }, property) ?? Reflect.get(target, property),
    })
    return withParts(store, { records })
  }
})
