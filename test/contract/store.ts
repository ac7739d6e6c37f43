import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { parseChainId } from '@veilcast/shared/protocol'
import type { Job, Processor, Worker } from 'bullmq'
import {
  type LaneSlot,
  type Mac,
  maxRequestsPerRecord,
  maxTrailBlocks,
  type Store,
  StoreError,
  type TxDraft,
  type TxKey,
  type TxRecord,
  type TxStore,
} from '../../broadcaster/dist/store/index.js'
import type { KeptRecord } from '../../broadcaster/dist/store/StoreUpkeep.js'
import type { StoreServer } from '../support/store.ts'
import { until } from '../support/until.ts'

const chain = parseChainId('eip155:1')
const otherChain = parseChainId('cosmos:cosmoshub-4')
const mac = (name: string): Mac => name.padEnd(26, 'a') as Mac
const key = (name: string): TxKey => name.padEnd(26, 'k') as TxKey

function draft(name: string, changes: Partial<TxDraft> = {}): TxDraft {
  return {
    key: key(name),
    chain,
    txIdMac: mac(`tx${name}`),
    laneMac: mac('lane'),
    sequence: 0n,
    bytes: Uint8Array.of(1, 2, 3),
    txId: new Uint8Array(32).fill(7),
    requestMac: mac(`request${name}`),
    notAfterMs: 10_000,
    nowMs: 1_000,
    ...changes,
  }
}

/** What the record and the queue promise, whatever server is beneath. */
export function describeStoreContract(name: string, startServer: () => Promise<StoreServer>): void {
  describe(`store contract: ${name}`, () => {
    let server: StoreServer
    let store: Store
    let records: TxStore

    beforeAll(async () => {
      server = await startServer()
      store = server.open()
      await store.start()
      records = store.records
    }, 60_000)
    beforeEach(() => server.clean())
    afterAll(() => server.stop(), 60_000)

    const admitted = async (name: string, changes: Partial<TxDraft> = {}): Promise<TxRecord> =>
      (await records.admit(draft(name, changes))).record
    const keysOf = (found: readonly TxRecord[]): TxKey[] => found.map((record) => record.key).sort()
    async function changed(
      record: TxRecord,
      patch: Parameters<TxStore['update']>[2],
      nowMs = 2_000,
    ): Promise<TxRecord> {
      const next = await records.update(record.key, record.number, patch, nowMs)
      if (next === null) throw new Error('lost the race')
      return next
    }

    it('says that what it acknowledges is on disk', () => {
      expect(records.durability).toBe('fsync')
    })

    it('remembers the incarnation that was acknowledged last', async () => {
      expect(await records.knownIncarnation()).toBeNull()
      const incarnation = await records.incarnation()
      await records.acknowledgeIncarnation(incarnation)
      expect(await records.knownIncarnation()).toEqual(incarnation)
      await records.acknowledgeIncarnation(new Uint8Array(8).fill(7))
      expect(await records.knownIncarnation()).toEqual(new Uint8Array(8).fill(7))
    })

    it('answers, and keeps its incarnation until data was put back', async () => {
      await records.ping()
      const before = await records.incarnation()
      expect(before).toHaveLength(8)
      expect(await records.incarnation()).toEqual(before)
      await store.markRestored()
      expect(await records.incarnation()).not.toEqual(before)
    })

    it('is used by many at once, or by one alone', async () => {
      const other = server.openAnother()
      await other.start()
      const alone = server.openAnother()
      await expect(alone.start({ use: 'alone' })).rejects.toThrow(/^The store is in use: /)
      await other.stop()
      await store.stop()

      await store.start({ use: 'alone' })
      await expect(other.start()).rejects.toThrow(/^The store is in use: /)
      await store.stop()
      await store.start()
      await other.start()
      await other.stop()
    })

    describe('upkeep', () => {
      /** One of each kind, with a request that two of them had. */
      async function fill(): Promise<void> {
        await admitted('held', { sequence: 7n, requestMac: mac('shared') })
        await admitted('other', { chain: otherChain, laneMac: null, sequence: null })
        const exposed = await admitted('exposed', { sequence: 8n, requestMac: mac('shared') })
        await changed(exposed, { state: 'exposed', exposedTo: 'node-1', detail: Uint8Array.of(0, 255) })
        const included = await changed(await admitted('included', { sequence: 5n }), { state: 'exposed' })
        await changed(included, { state: 'included', blockHeight: 9n, blockHash: 'ab' })
        for (const state of ['refused', 'lapsed', 'final'] as const) {
          const exposedTo = state === 'refused' ? null : 'node-2'
          await changed(await admitted(state, { sequence: 4n }), {
            state,
            exposedTo,
            bytes: null,
            detail: Uint8Array.of(1),
            expiresAtMs: 90_000,
          })
        }
        await records.saveCursor(chain, [{ height: 18_446_744_073_709_551_615n, hash: 'cd' }], 0, 5_000)
      }
      const allRecords = async (): Promise<KeptRecord[]> => {
        const found = new Map<string, KeptRecord>()
        for await (const page of store.upkeep.records())
          for (const record of page) found.set(record.key, record)
        return [...found.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
      }
      /** What the record answers, by every index that it keeps. */
      const answers = async (): Promise<unknown> => ({
        live: await records.listLive(chain, { limit: 100 }),
        counts: [
          await records.countLive(chain),
          await records.countLive(otherChain),
          await records.countWaiting(chain),
          await records.countLane(chain, mac('lane')),
          await records.countUnsent(chain, 100),
        ],
        lane: await records.lane(chain, mac('lane'), 10),
        settled: await records.settledUpTo(chain, 9n, 10),
        block: await records.inBlock(chain, { height: 9n, hash: 'ab' }),
        matched: keysOf(
          await records.match(
            chain,
            [mac('txlapsed'), mac('txfinal'), mac('txheld')],
            [{ laneMac: mac('lane'), sequence: 8n }],
          ),
        ),
        shared: await records.byRequest(mac('shared')),
        asked: await records.byRequest(mac('requestlapsed')),
        cursor: { ...(await records.cursor(chain)), version: undefined },
      })

      it('gives every record as it is, and takes it into another store with all that it is found by', async () => {
        await fill()
        const [kept, before, cursors] = [await allRecords(), await answers(), await store.upkeep.cursors()]
        expect(kept).toHaveLength(7)
        expect(await store.upkeep.count()).toBe(7)
        expect(kept.filter(({ foundBy }) => foundBy.includes(mac('shared'))).map((one) => one.key)).toEqual([
          key('held'),
        ])

        await store.upkeep.empty()
        expect([await allRecords(), await store.upkeep.count(), await store.upkeep.cursors()]).toEqual([
          [],
          0,
          [],
        ])
        // Twice, as where it was cut off.
        for (const list of [kept.slice(2), kept]) await store.upkeep.put(list.map((record) => ({ record })))
        for (const { chain, trail, savedAtMs } of cursors)
          await records.saveCursor(chain, trail, 0, savedAtMs)
        expect(await allRecords()).toEqual(kept)
        expect(await answers()).toEqual(before)
        expect(await records.sweep(90_000, 100)).toBe(3)
        expect(await store.upkeep.count()).toBe(4)
      })

      it('puts a record in the place of another', async () => {
        await fill()
        const before = (await allRecords()).find((record) => record.key === key('exposed'))!
        const record = {
          ...before,
          key: key('new'),
          laneMac: mac('lane2'),
          txIdMac: mac('txnew'),
          sequence: 3n,
        }
        await store.upkeep.put([{ record, insteadOf: before.key }])
        expect(await records.get(before.key)).toBeNull()
        expect(await store.upkeep.count()).toBe(7)
        expect(await records.lane(chain, mac('lane'), 10)).toHaveLength(1)
        expect(keysOf(await records.lane(chain, mac('lane2'), 10))).toEqual([key('new')])
        expect(await records.match(chain, [mac('txexposed')], [])).toEqual([])
        expect(keysOf(await records.match(chain, [mac('txnew')], []))).toEqual([key('new')])
      })

      it('keeps jobs out of what it emptied, and works on', async () => {
        const queue = store.queues.queue('upkeep')
        await queue.add('one', {}, { delay: 60_000 })
        await store.upkeep.empty()
        expect(await queue.getJobCountByTypes('delayed', 'waiting', 'active')).toBe(0)
        await admitted('a')
        await queue.add('two', {}, { delay: 60_000 })
        expect(await queue.getJobCountByTypes('delayed')).toBe(1)
      })

      it('lets nobody start on a store that is closed but who has it alone', async () => {
        const { upkeep } = store
        expect(await upkeep.closed()).toBeNull()
        const other = server.openAnother()
        for (const [why, said] of [
          ['filling', /--force/],
          ['rotating', /rotate-key/],
          ['moved', /mark-restored/],
        ] as const) {
          await upkeep.close(why)
          await expect(other.start()).rejects.toThrow(said)
          if (why !== 'moved') await expect(store.markRestored()).rejects.toThrow(said)
        }
        await store.markRestored()
        await other.start()
        expect(await other.upkeep.closed()).toBeNull()
        await other.stop()
      })

      it('knows under which key file it is sealed', async () => {
        await store.upkeep.sealFor('a'.repeat(26))
        expect(await store.upkeep.sealedBy()).toBe('a'.repeat(26))
      })
    })

    describe('admit', () => {
      it('makes a record that is held', async () => {
        const { record, how } = await records.admit(draft('a', { sequence: 18_446_744_073_709_551_615n }))
        expect(how).toBe('created')
        const expected: TxRecord = {
          key: key('a'),
          chain,
          txIdMac: mac('txa'),
          laneMac: mac('lane'),
          sequence: 18_446_744_073_709_551_615n,
          state: 'held',
          number: 1,
          bytes: Uint8Array.of(1, 2, 3),
          txId: new Uint8Array(32).fill(7),
          detail: null,
          exposedTo: null,
          blockHeight: null,
          blockHash: null,
          requestMacs: [mac('requesta')],
          notAfterMs: 10_000,
          createdAtMs: 1_000,
          changedAtMs: 1_000,
          expiresAtMs: null,
        }
        expect(record).toEqual(expected)
        expect(await records.get(key('a'))).toEqual(expected)
        expect(await records.byRequest(mac('requesta'))).toEqual(expected)
        expect(await records.get(key('b'))).toBeNull()
        expect(await records.byRequest(mac('requestb'))).toBeNull()
      })

      it('takes a transaction without an order', async () => {
        const record = await admitted('a', { laneMac: null, sequence: null })
        expect(record).toMatchObject({ laneMac: null, sequence: null })
        expect(await records.get(key('a'))).toEqual(record)
      })

      it('keeps every byte', async () => {
        const every = Uint8Array.from({ length: 512 }, (_, i) => i)
        const large = new Uint8Array(randomBytes(1_000_000))
        const record = await admitted('a', { bytes: large, txId: every })
        const exposed = await changed(record, { state: 'exposed', detail: every })
        expect(Buffer.compare(exposed.bytes!, large)).toBe(0)
        expect(exposed.txId).toEqual(every)
        expect(exposed.detail).toEqual(every)
      })

      it('merges the later notAfter and never the earlier, and leaves the number', async () => {
        await admitted('a')
        const later = await records.admit(
          draft('a', { notAfterMs: 20_000, requestMac: mac('second'), nowMs: 5_000 }),
        )
        expect(later.how).toBe('merged')
        expect(later.record).toMatchObject({
          notAfterMs: 20_000,
          number: 1,
          changedAtMs: 1_000,
          createdAtMs: 1_000,
        })
        const earlier = await records.admit(draft('a', { notAfterMs: 5_000, requestMac: mac('third') }))
        expect(earlier.record.notAfterMs).toBe(20_000)
        expect(earlier.record.requestMacs).toEqual([mac('requesta'), mac('second'), mac('third')])
        expect((await records.byRequest(mac('third')))?.key).toBe(key('a'))
      })

      it('changes nothing when the same request comes again', async () => {
        const record = await admitted('a')
        const again = await records.admit(draft('a', { bytes: Uint8Array.of(9) }))
        expect(again).toEqual({ how: 'merged', record })
      })

      it('keeps the first request id and the latest of the others', async () => {
        await admitted('a', { requestMac: mac('r00') })
        const requests = Array.from({ length: 20 }, (_, i) => mac(`r${String(i + 1).padStart(2, '0')}`))
        for (const requestMac of requests) await records.admit(draft('a', { requestMac }))
        const kept = [mac('r00'), ...requests.slice(1 - maxRequestsPerRecord)]
        expect((await records.get(key('a')))?.requestMacs).toEqual(kept)
        expect(await records.byRequest(requests[0]!)).toBeNull()
        for (const requestMac of kept) expect((await records.byRequest(requestMac))?.key).toBe(key('a'))
      })

      it('leaves a request id with the record that took it first', async () => {
        await admitted('a', { requestMac: mac('same') })
        await admitted('b', { requestMac: mac('same') })
        expect((await records.byRequest(mac('same')))?.key).toBe(key('a'))
      })

      it('makes one record of a hundred that come at once', async () => {
        const all = await Promise.all(
          Array.from({ length: 100 }, (_, i) =>
            records.admit(draft('a', { requestMac: mac(`r${i}x`), notAfterMs: 10_000 + i })),
          ),
        )
        expect(all.filter(({ how }) => how === 'created')).toHaveLength(1)
        const record = await records.get(key('a'))
        expect(record).toMatchObject({ number: 1, notAfterMs: 10_099 })
        expect(record?.requestMacs).toHaveLength(maxRequestsPerRecord)
      })
    })

    describe('revival', () => {
      it.each(['refused', 'lapsed'] as const)('brings a %s record back for a new request', async (state) => {
        const ended = await changed(await admitted('a'), {
          state,
          bytes: null,
          detail: Uint8Array.of(1),
          expiresAtMs: 9_000,
        })
        expect(ended.bytes).toBeNull()
        const { how, record } = await records.admit(
          draft('a', { requestMac: mac('again'), bytes: Uint8Array.of(4), notAfterMs: 5_000, nowMs: 3_000 }),
        )
        expect(how).toBe('revived')
        expect(record).toMatchObject({
          state: 'held',
          number: 3,
          detail: null,
          exposedTo: null,
          notAfterMs: 5_000,
          createdAtMs: 1_000,
          changedAtMs: 3_000,
          expiresAtMs: null,
        })
        expect(record.bytes).toEqual(Uint8Array.of(4))
        expect(keysOf(await records.listLive(chain, { limit: 10 }))).toEqual([key('a')])
        expect(await records.sweep(100_000, 10)).toBe(0)
      })

      it('goes back to exposed when it lapsed after exposure', async () => {
        const exposed = await changed(await admitted('a'), { state: 'exposed', exposedTo: 'node-1' })
        await changed(exposed, { state: 'lapsed', bytes: null })
        const { record } = await records.admit(draft('a', { requestMac: mac('again') }))
        expect(record).toMatchObject({ state: 'exposed', exposedTo: 'node-1', number: 4 })
      })

      it('is not for a late copy of an old message', async () => {
        const ended = await changed(await admitted('a'), {
          state: 'refused',
          bytes: null,
          expiresAtMs: 9_000,
        })
        const copy = await records.admit(draft('a', { notAfterMs: 50_000 }))
        expect(copy).toEqual({ how: 'merged', record: ended })
      })

      it('is not for a record that is full of requests', async () => {
        for (let i = 0; i < maxRequestsPerRecord; i++) await admitted('a', { requestMac: mac(`r${i}x`) })
        const ended = await changed((await records.get(key('a')))!, { state: 'lapsed', bytes: null })
        const { how, record } = await records.admit(draft('a', { requestMac: mac('onemore') }))
        expect(how).toBe('merged')
        expect(record).toMatchObject({ state: 'lapsed', number: ended.number, bytes: null })
      })

      it.each(['final', 'replaced'] as const)(
        'is not for a %s record, which gains the request id',
        async (state) => {
          await changed(await admitted('a'), { state, bytes: null, expiresAtMs: 9_000 })
          const { how, record } = await records.admit(
            draft('a', { requestMac: mac('again'), notAfterMs: 90_000 }),
          )
          expect(how).toBe('merged')
          expect(record).toMatchObject({
            state,
            bytes: null,
            number: 2,
            notAfterMs: 10_000,
            expiresAtMs: 9_000,
          })
          expect((await records.byRequest(mac('again')))?.state).toBe(state)
        },
      )
    })

    describe('update', () => {
      it('changes what the patch names and raises the number', async () => {
        const record = await admitted('a')
        const exposed = await changed(record, {
          state: 'exposed',
          exposedTo: 'node-1',
          detail: Uint8Array.of(5),
        })
        expect(exposed).toEqual({
          ...record,
          state: 'exposed',
          exposedTo: 'node-1',
          detail: Uint8Array.of(5),
          number: 2,
          changedAtMs: 2_000,
        })
        const included = await changed(exposed, { state: 'included', blockHeight: 12n, blockHash: 'ab' })
        expect(included).toMatchObject({ exposedTo: 'node-1', blockHeight: 12n, blockHash: 'ab', number: 3 })
        const back = await changed(included, {
          state: 'exposed',
          blockHeight: null,
          blockHash: null,
          detail: null,
        })
        expect(back).toMatchObject({ blockHeight: null, blockHash: null, detail: null, number: 4 })
        expect(back.bytes).toEqual(record.bytes)
        expect(await records.get(key('a'))).toEqual(back)
      })

      it('tells the age of what the record says: another endpoint alone changes the number, not the time', async () => {
        const exposed = await changed(await admitted('a'), { state: 'exposed', exposedTo: 'node-1' }, 2_000)
        expect(exposed).toMatchObject({ number: 2, changedAtMs: 2_000 })
        const elsewhere = await changed(exposed, { state: 'exposed', exposedTo: 'node-2' }, 3_000)
        expect(elsewhere).toMatchObject({ exposedTo: 'node-2', number: 3, changedAtMs: 2_000 })
        const unknown = await changed(elsewhere, { exposedTo: 'node-1' }, 4_000)
        expect(unknown).toMatchObject({ exposedTo: 'node-1', number: 4, changedAtMs: 2_000 })
        const rejected = await changed(unknown, { state: 'exposed', detail: Uint8Array.of(5) }, 5_000)
        expect(rejected.changedAtMs).toBe(5_000)
        const cleared = await changed(rejected, { detail: null }, 6_000)
        expect(cleared.changedAtMs).toBe(6_000)
        const ended = await changed(cleared, { state: 'lapsed' }, 7_000)
        expect(ended.changedAtMs).toBe(7_000)
        expect(await records.get(key('a'))).toEqual(ended)
      })

      it('does nothing on an old number or a record that is not there', async () => {
        const record = await admitted('a')
        await changed(record, { state: 'exposed' })
        expect(await records.update(key('a'), 1, { state: 'refused' }, 3_000)).toBeNull()
        expect(await records.update(key('b'), 1, { state: 'refused' }, 3_000)).toBeNull()
        expect(await records.get(key('a'))).toMatchObject({ state: 'exposed', number: 2 })
        expect(await records.get(key('b'))).toBeNull()
      })

      it('lets one of fifty win', async () => {
        const record = await admitted('a')
        const all = await Promise.all(
          Array.from({ length: 50 }, (_, i) =>
            records.update(record.key, 1, { state: 'exposed', exposedTo: `node-${i}` }, 2_000),
          ),
        )
        const winners = all.filter((result) => result !== null)
        expect(winners).toHaveLength(1)
        expect(await records.get(key('a'))).toEqual(winners[0])
      })

      it('loses no merge beside it', async () => {
        const record = await admitted('a')
        await Promise.all([
          records.update(record.key, 1, { state: 'exposed' }, 2_000),
          records.admit(draft('a', { requestMac: mac('second'), notAfterMs: 30_000 })),
        ])
        expect(await records.get(key('a'))).toMatchObject({
          state: 'exposed',
          number: 2,
          notAfterMs: 30_000,
          requestMacs: [mac('requesta'), mac('second')],
        })
      })
    })

    describe('lookups', () => {
      it('gives what an account has in no block, what nobody was shown first, in order', async () => {
        const beyond53Bits = 2n ** 53n
        await admitted('z', { sequence: beyond53Bits + 1n })
        await admitted('b', { sequence: beyond53Bits })
        await admitted('a', { sequence: beyond53Bits })
        await admitted('c', { sequence: 10n })
        await changed(await admitted('d', { sequence: 9n }), { state: 'exposed', exposedTo: 'one' })
        await changed(await admitted('e', { sequence: 8n }), { state: 'exposed', exposedTo: 'one' })
        const block = { blockHeight: 5n, blockHash: 'ab' }
        await changed(await admitted('in', { sequence: 7n }), { state: 'included', ...block })
        await changed(await admitted('no', { sequence: 6n }), { state: 'refused', bytes: null })
        await admitted('chain', { sequence: 7n, chain: otherChain })
        await admitted('other', { sequence: 7n, laneMac: mac('otherlane') })
        const inOrder = ['c', 'a', 'b', 'z', 'e', 'd'].map(key)
        const lane = await records.lane(chain, mac('lane'), 64)
        expect(lane.map((record) => record.key)).toEqual(inOrder)
        expect(lane[0]).toEqual(await records.get(key('c')))
        expect((await records.lane(chain, mac('lane'), 2)).map((record) => record.key)).toEqual(
          inOrder.slice(0, 2),
        )
        expect(await records.lane(chain, mac('nobody'), 64)).toEqual([])
      })

      it('matches a block of thousands by hash and by slot in one look', async () => {
        await admitted('byhash', { txIdMac: mac('hash1234'), sequence: 1n })
        await admitted('sidecar', { txIdMac: mac('hash1234'), sequence: 1n })
        await admitted('byslot', { sequence: 1_234n })
        await changed(await admitted('late', { sequence: 2n }), { state: 'lapsed' })
        await changed(await admitted('done', { txIdMac: mac('hash5'), sequence: 3n }), { state: 'final' })
        await admitted('elsewhere', { txIdMac: mac('hash7'), sequence: 1_234n, chain: otherChain })
        await admitted('none', { sequence: 99_999n })
        const hashes = Array.from({ length: 5_000 }, (_, i) => mac(`hash${i}`))
        const slots = Array.from({ length: 5_000 }, (_, i) => ({
          laneMac: mac('lane'),
          sequence: BigInt(i + 2),
        }))
        expect(keysOf(await records.match(chain, hashes, slots))).toEqual(
          [key('byhash'), key('byslot'), key('late'), key('sidecar')].sort(),
        )
        expect(await records.match(chain, [], [])).toEqual([])
        expect(await records.match(chain, hashes, [])).toHaveLength(2)
        expect(await records.match(chain, [], slots)).toHaveLength(2)
      })

      it('names a record once that fits by hash and by slot', async () => {
        await admitted('a', { sequence: 5n })
        const found = await records.match(chain, [mac('txa')], [{ laneMac: mac('lane'), sequence: 5n }])
        expect(keysOf(found)).toEqual([key('a')])
      })

      it('pages through the live in key order', async () => {
        const names = Array.from({ length: 25 }, (_, i) => `n${String(i).padStart(2, '0')}`)
        await Promise.all(names.map((name) => admitted(name)))
        await changed((await records.get(key('n03')))!, { state: 'final' })
        await admitted('x', { chain: otherChain })
        const seen: TxKey[] = []
        for (let after: TxKey | undefined; ; ) {
          const page = await records.listLive(
            chain,
            after === undefined ? { limit: 10 } : { after, limit: 10 },
          )
          expect(page.length).toBeLessThanOrEqual(10)
          seen.push(...page.map((record) => record.key))
          after = page.at(-1)?.key
          if (page.length < 10) break
        }
        expect(seen).toEqual(names.filter((name) => name !== 'n03').map(key))
        expect(await records.countLive(chain)).toBe(24)
        expect(await records.countLive(otherChain)).toBe(1)
      })

      it('finds what is in a block, and at or under a height', async () => {
        const put = async (name: string, blockHeight: bigint, blockHash: string): Promise<TxRecord> =>
          changed(await admitted(name), { state: 'included', blockHeight, blockHash })
        await put('a', 10n, 'aa')
        await put('b', 10n, 'bb')
        const c = await put('c', 11n, 'cc')
        await put('d', 12n, 'dd')
        const f = await put('f', 11n, 'cc')
        await admitted('e')
        await changed(f, { state: 'final' })
        expect(keysOf(await records.settledUpTo(chain, 11n, 10))).toEqual([key('a'), key('b'), key('c')])
        expect(await records.settledUpTo(chain, 12n, 2)).toHaveLength(2)
        expect(await records.settledUpTo(chain, 9n, 10)).toEqual([])
        expect(keysOf(await records.inBlock(chain, { height: 10n, hash: 'bb' }))).toEqual([key('b')])
        expect(keysOf(await records.inBlock(chain, { height: 11n, hash: 'cc' }))).toEqual([key('c')])
        await changed(c, { state: 'exposed', blockHeight: null, blockHash: null })
        expect(await records.inBlock(chain, { height: 11n, hash: 'cc' })).toEqual([])
        expect(keysOf(await records.settledUpTo(chain, 11n, 10))).toEqual([key('a'), key('b')])
      })

      it('counts what is in no block, of a chain and of a lane', async () => {
        await admitted('a')
        await admitted('b')
        await admitted('c', { laneMac: mac('otherlane') })
        await admitted('d', { chain: otherChain })
        expect(await records.countLane(chain, mac('lane'))).toBe(2)
        expect(await records.countWaiting(chain)).toBe(3)
        const exposed = await changed((await records.get(key('a')))!, { state: 'exposed', exposedTo: 'mine' })
        expect(await records.countWaiting(chain)).toBe(3)
        const inBlock = { state: 'included', blockHeight: 3n, blockHash: 'cc' } as const
        const included = await changed(exposed, inBlock)
        expect(await records.countLane(chain, mac('lane'))).toBe(1)
        expect(await records.countWaiting(chain)).toBe(2)
        expect(await records.countLive(chain)).toBe(3)
        // A reorganisation.
        const again = await changed(included, { state: 'exposed', blockHeight: null, blockHash: null })
        expect(await records.countLane(chain, mac('lane'))).toBe(2)
        expect(await records.countWaiting(chain)).toBe(3)
        await changed(again, { state: 'replaced' })
        expect(await records.countWaiting(chain)).toBe(2)
        expect(await records.countLane(chain, mac('lane'))).toBe(1)
        expect(await records.countLane(chain, mac('nobody'))).toBe(0)
      })

      it('counts what ended unsent, until it is revived, seen or swept', async () => {
        const refused = await changed(await admitted('a'), { state: 'refused', expiresAtMs: 9_000 })
        await changed(await admitted('b'), { state: 'lapsed', expiresAtMs: 9_000 })
        await changed(await admitted('c'), { state: 'refused', expiresAtMs: 9_000 })
        await changed(await admitted('d', { chain: otherChain }), { state: 'refused', expiresAtMs: 9_000 })
        await changed(await admitted('e'), { state: 'lapsed', exposedTo: 'mine', expiresAtMs: 9_000 })
        await admitted('f')
        expect(await records.countUnsent(chain, 100)).toBe(3)
        expect(await records.countUnsent(chain, 2)).toBe(2)
        expect(await records.countUnsent(otherChain, 100)).toBe(1)
        await changed(refused, { state: 'included', exposedTo: '*', expiresAtMs: null })
        expect(await records.countUnsent(chain, 100)).toBe(2)
        await admitted('c', { requestMac: mac('anotherrequest') })
        expect(await records.countUnsent(chain, 100)).toBe(1)
        expect(await records.sweep(100_000, 10)).toBe(3)
        expect(await records.countUnsent(chain, 100)).toBe(0)
      })

      it('takes back to life what was included after it lapsed', async () => {
        const lapsed = await changed(await admitted('a'), { state: 'lapsed', expiresAtMs: 9_000 })
        expect(await records.countLane(chain, mac('lane'))).toBe(0)
        await changed(lapsed, { state: 'included', blockHeight: 3n, blockHash: 'cc', expiresAtMs: null })
        expect(await records.countLane(chain, mac('lane'))).toBe(0)
        expect(await records.countLive(chain)).toBe(1)
        expect(await records.sweep(100_000, 10)).toBe(0)
      })
    })

    describe('cursor', () => {
      const block = (height: bigint): { height: bigint; hash: string } => ({ height, hash: `${height}ab` })

      it('is saved by whoever knows the last version', async () => {
        expect(await records.cursor(chain)).toBeNull()
        expect(await records.saveCursor(chain, [block(1n)], 1, 5)).toBe(false)
        expect(await records.saveCursor(chain, [block(1n)], 0, 5)).toBe(true)
        expect(await records.cursor(chain)).toEqual({ trail: [block(1n)], version: 1, savedAtMs: 5 })
        expect(await records.saveCursor(chain, [block(9n)], 0, 6)).toBe(false)
        const trail = Array.from({ length: maxTrailBlocks }, (_, i) => block(2n ** 60n + BigInt(i)))
        expect(await records.saveCursor(chain, trail, 1, 7)).toBe(true)
        expect(await records.cursor(chain)).toEqual({ trail, version: 2, savedAtMs: 7 })
        expect(await records.cursor(otherChain)).toBeNull()
      })

      it('is saved by one of twenty', async () => {
        for (const version of [0, 1]) {
          const all = await Promise.all(
            Array.from({ length: 20 }, (_, i) => records.saveCursor(chain, [block(BigInt(i))], version, i)),
          )
          expect(all.filter(Boolean)).toHaveLength(1)
        }
      })

      it('takes no longer trail than its limit', async () => {
        const trail = Array.from({ length: maxTrailBlocks + 1 }, (_, i) => block(BigInt(i)))
        await expect(records.saveCursor(chain, trail, 0, 1)).rejects.toThrow(RangeError)
      })
    })

    describe('lease', () => {
      it('is one owner’s until it ends', async () => {
        expect(await records.lease('lane', 'one', 60_000)).toBe(true)
        expect(await records.lease('lane', 'two', 60_000)).toBe(false)
        expect(await records.lease('lane', 'one', 60_000)).toBe(true)
        expect(await records.lease('other', 'two', 60_000)).toBe(true)
        await records.unlease('lane', 'two')
        expect(await records.lease('lane', 'two', 60_000)).toBe(false)
        await records.unlease('lane', 'one')
        expect(await records.lease('lane', 'two', 60_000)).toBe(true)
      })

      it('is taken over when it ran out', async () => {
        await records.lease('lane', 'one', 40)
        while (!(await records.lease('lane', 'two', 60_000))) await delay(10)
        expect(await records.lease('lane', 'one', 60_000)).toBe(false)
      })

      it('is renewed by its owner', async () => {
        await records.lease('lane', 'one', 40)
        await records.lease('lane', 'one', 60_000)
        await delay(60)
        expect(await records.lease('lane', 'two', 60_000)).toBe(false)
      })

      it('goes to one of twenty', async () => {
        const all = await Promise.all(
          Array.from({ length: 20 }, (_, i) => records.lease('lane', `owner${i}`, 60_000)),
        )
        expect(all.filter(Boolean)).toHaveLength(1)
      })
    })

    describe('sweep', () => {
      it('deletes what expired, bounded, with everything that names it', async () => {
        for (let i = 0; i < 5; i++) {
          await changed(await admitted(`old${i}`, { sequence: 5n }), {
            state: 'final',
            expiresAtMs: 9_000 + i,
          })
        }
        await changed(await admitted('kept'), { state: 'final', expiresAtMs: 50_000 })
        await admitted('live', { sequence: 5n })
        expect(await records.sweep(8_999, 10)).toBe(0)
        expect(await records.sweep(9_003, 3)).toBe(3)
        expect(await records.sweep(9_003, 3)).toBe(1)
        expect(await records.sweep(9_003, 3)).toBe(0)
        expect(await records.get(key('old0'))).toBeNull()
        expect(await records.byRequest(mac('requestold0'))).toBeNull()
        expect(await records.match(chain, [mac('txold0')], [])).toEqual([])
        const slot: LaneSlot = { laneMac: mac('lane'), sequence: 5n }
        expect(keysOf(await records.match(chain, [], [slot]))).toEqual([key('live')])
        expect(await records.get(key('kept'))).not.toBeNull()
        expect((await records.admit(draft('old0'))).how).toBe('created')
      })
    })

    describe('two broadcasters', () => {
      let other: Store
      beforeAll(async () => {
        other = server.openAnother()
        await other.start()
      })
      afterAll(() => other.stop())

      it('see one record, one incarnation and each other’s leases', async () => {
        await admitted('a')
        expect((await other.records.get(key('a')))?.state).toBe('held')
        expect(await other.records.incarnation()).toEqual(await records.incarnation())
        await records.lease('lane', 'one', 60_000)
        expect(await other.records.lease('lane', 'two', 60_000)).toBe(false)
      })

      it('hear of what the other changed, and not of a merge', async () => {
        const heard: TxKey[] = []
        const heardToo: TxKey[] = []
        const end = await other.records.watch((changedKey) => heard.push(changedKey))
        const endToo = await other.records.watch((changedKey) => heardToo.push(changedKey))
        const record = await admitted('a')
        await admitted('a', { requestMac: mac('merged') })
        await changed(record, { state: 'refused' })
        await admitted('a', { requestMac: mac('revived') })
        await admitted('b')
        await until(() => heardToo.includes(key('b')))
        expect(heard).toEqual([key('a'), key('a'), key('a'), key('b')])
        await end()
        await end()
        await admitted('c')
        await until(() => heardToo.includes(key('c')))
        expect(heard).not.toContain(key('c'))
        await endToo()
      })

      it('let one of a hundred updates win, whoever sends them', async () => {
        const record = await admitted('a')
        const all = await Promise.all(
          Array.from({ length: 100 }, (_, i) =>
            (i % 2 === 0 ? records : other.records).update(record.key, 1, { state: 'exposed' }, 2_000),
          ),
        )
        expect(all.filter((result) => result !== null)).toHaveLength(1)
      })
    })

    describe('queue', () => {
      const workers: Worker[] = []
      const process = (queueName: string, processor: Processor, concurrency = 5): Worker => {
        const worker = store.queues.worker(queueName, processor, { concurrency })
        workers.push(worker)
        void worker.run()
        return worker
      }
      afterEach(async () => {
        await Promise.all(workers.splice(0).map((worker) => worker.close()))
      })

      it('is one object per name', () => {
        expect(store.queues.queue('same')).toBe(store.queues.queue('same'))
        expect(store.queues.queue('same')).not.toBe(store.queues.queue('different'))
      })

      it('runs a job once, even when it is added twice, and leaves nothing behind', async () => {
        const queue = store.queues.queue('once')
        const ran: unknown[] = []
        await queue.add('submit', { n: 1 }, { jobId: 'jobx' })
        await queue.add('submit', { n: 2 }, { jobId: 'jobx' })
        process('once', async (job) => void ran.push(job.data))
        await queue.add('submit', { n: 3 }, { jobId: 'joby' })
        await until(() => ran.length === 2)
        expect(ran).toEqual([{ n: 1 }, { n: 3 }])
        await until(async () => (await queue.getJob('joby')) === undefined)
      })

      it('runs the same id again once its job is gone', async () => {
        const queue = store.queues.queue('again')
        let runs = 0
        process('again', async () => void runs++)
        await queue.add('submit', {}, { jobId: 'jobx' })
        await until(async () => runs === 1 && (await queue.getJob('jobx')) === undefined)
        await queue.add('submit', {}, { jobId: 'jobx' })
        await until(() => runs === 2)
      })

      it('takes a job out of the way when its processor throws', async () => {
        const queue = store.queues.queue('failing')
        const failed: string[] = []
        const worker = process('failing', async () => {
          throw new Error('a bug')
        })
        worker.on('failed', (job) => failed.push(job?.id ?? ''))
        await queue.add('submit', {}, { jobId: 'jobx' })
        await until(() => failed.includes('jobx'))
        await until(async () => (await queue.getJob('jobx')) === undefined)
      })

      it('waits with a delayed job, and promotes it', async () => {
        const queue = store.queues.queue('delayed')
        const ran: string[] = []
        process('delayed', async (job) => void ran.push(job.id ?? ''))
        const late = await queue.add('submit', {}, { jobId: 'late', delay: 3_600_000 })
        await queue.add('submit', {}, { jobId: 'soon', delay: 50 })
        await until(() => ran.includes('soon'))
        expect(ran).toEqual(['soon'])
        await late.promote()
        await until(() => ran.includes('late'))
      })

      it('lets a processor put its own job off', async () => {
        const { DelayedError } = await import('bullmq')
        const queue = store.queues.queue('putoff')
        const tries: (Job | number)[] = []
        process('putoff', async (job, token) => {
          tries.push(Date.now())
          if (tries.length < 3) {
            await job.moveToDelayed(Date.now() + 30, token)
            throw new DelayedError()
          }
        })
        await queue.add('submit', {}, { jobId: 'jobx' })
        await until(() => tries.length === 3)
        await until(async () => (await queue.getJob('jobx')) === undefined)
      })

      it('hands the job of a worker that vanished to another', async () => {
        const queue = store.queues.queue('stalled')
        let taken = false
        const first = process('stalled', () => {
          taken = true
          return new Promise(() => {})
        })
        await queue.add('submit', {}, { jobId: 'jobx' })
        await until(() => taken)
        await first.close(true)
        let ran = false
        process('stalled', async () => {
          ran = true
        })
        await until(() => ran)
      })

      it('runs a worker anew that stopped by itself, and says so meanwhile', async () => {
        const queue = store.queues.queue('stopping')
        let ran = 0
        const worker = store.queues.worker('stopping', async () => void ran++, { concurrency: 1 })
        workers.push(worker)
        expect(store.queues.working()).toBe(true)
        // As a fault of the queue's own loop would: nothing that a processor or a server does ends it.
        const loop = worker as unknown as { mainLoop(): Promise<void> }
        const { mainLoop } = loop
        loop.mainLoop = async () => {
          loop.mainLoop = mainLoop
          throw new Error('the loop is broken')
        }
        const ended = worker.run()
        await until(() => !store.queues.working())
        await queue.add('submit', {}, { jobId: 'jobx' })
        await until(() => ran === 1)
        expect(store.queues.working()).toBe(true)
        await worker.close()
        await ended
        expect(store.queues.working()).toBe(true)
      })

      it('takes eight queues and twelve workers', async () => {
        const ran = new Set<string>()
        const names = Array.from({ length: 8 }, (_, i) => `many${i}`)
        for (let i = 0; i < 12; i++) {
          process(names[i % 8]!, async (job) => void ran.add(job.id ?? ''), 20)
        }
        await Promise.all(
          names.flatMap((queueName) =>
            Array.from({ length: 20 }, (_, i) =>
              store.queues.queue(queueName).add('submit', {}, { jobId: `${queueName}-job${i}` }),
            ),
          ),
        )
        await until(() => ran.size === 160)
      })
    })
  })

  describe(`store contract: ${name}, starting and stopping`, () => {
    let server: StoreServer
    beforeEach(async () => {
      server = await startServer()
    }, 60_000)
    afterEach(() => server.stop(), 60_000)

    it('refuses work before the start and after the stop', async () => {
      const store = server.open()
      await expect(store.records.get(key('a'))).rejects.toThrow(StoreError)
      expect(() => store.queues.queue('submit')).toThrow(StoreError)
      await store.start()
      await store.start()
      await store.records.admit(draft('a'))
      await Promise.all([store.stop(), store.stop()])
      await store.stop()
      await expect(store.records.ping()).rejects.toThrow(StoreError)
    }, 60_000)

    it('starts anew with what was there', async () => {
      const store = server.open()
      await store.start()
      await store.records.admit(draft('a'))
      const incarnation = await store.records.incarnation()
      await store.stop()
      await store.start()
      expect(await store.records.incarnation()).toEqual(incarnation)
      expect((await store.records.get(key('a')))?.state).toBe('held')
      await store.stop()
    }, 60_000)

    it('gives up a start when it is told to', async () => {
      const store = server.open()
      const reason = new Error('enough')
      await expect(store.start({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
      const controller = new AbortController()
      const starting = store.start({ signal: controller.signal })
      controller.abort(reason)
      await expect(starting).rejects.toBe(reason)
      const second = store.start()
      await second
      await store.records.ping()
    }, 60_000)

    it('ends a start that is under way when it is stopped', async () => {
      const store = server.open()
      const starting = store.start()
      const outcome = expect(starting).rejects.toThrow(StoreError)
      await store.stop()
      await outcome
    }, 60_000)

    it('says that the server is gone, and nothing about where it was', async () => {
      const store = server.open()
      await store.start()
      const end = await store.records.watch(() => {})
      const queue = store.queues.queue('submit')
      await queue.add('submit', {}, { jobId: 'jobx' })
      await server.kill()
      let error: unknown
      await until(async () => {
        error = await store.records.ping().then(
          () => undefined,
          (thrown: unknown) => thrown,
        )
        return error !== undefined
      })
      expect(error).toBeInstanceOf(StoreError)
      const admitting: unknown = await store.records.admit(draft('a')).catch((thrown: unknown) => thrown)
      expect(admitting).toBeInstanceOf(StoreError)
      for (const said of [error, admitting]) {
        expect(String((said as Error).stack)).not.toMatch(
          /:\/\/|127\.0\.0\.1|localhost|veilcast-store|password|txa/,
        )
      }
      // A killed Postgres leaves its backends for a moment: one of them may still take a job.
      await until(() =>
        queue.add('submit', {}, { jobId: 'joby' }).then(
          () => false,
          () => true,
        ),
      )
      await end()
      await store.stop()
    }, 60_000)
  })
}
