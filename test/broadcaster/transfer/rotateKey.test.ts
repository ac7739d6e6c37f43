import { randomBytes } from 'node:crypto'
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { chainFamilies } from '@veilcast/broadcaster'
import { type ChainId, newRequestId, parseChainId, type RequestId } from '@veilcast/shared/protocol'
import { type Hex, hexToBytes } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { readFormerKey } from '../../../broadcaster/dist/config/keyFile.js'
import {
  createVault,
  type Mac,
  type Store,
  type TxRecord,
  type Vault,
} from '../../../broadcaster/dist/store/index.js'
import { laneOf } from '../../../broadcaster/dist/store/rekey.js'
import type { KeptRecord } from '../../../broadcaster/dist/store/StoreUpkeep.js'
import { rotateKey } from '../../../broadcaster/dist/transfer/rotateKey.js'
import { makeFolder } from '../../support/path.ts'
import { describeWithRedis, type StoreServer, startPostgres, startRedis } from '../../support/store.ts'

const limitMs = 120_000
const chain: ChainId = parseChainId('eip155:1')
const family = chainFamilies.eip155!
const adapter = family.create(
  family.config.parse({ chain, endpoints: [{ id: 'none', url: 'http://127.0.0.1:9' }] }) as never,
)

rotates('Postgres', startPostgres)
describeWithRedis('rotateKey', () => rotates('Redis', () => startRedis()))

function rotates(name: string, startServer: () => Promise<StoreServer>): void {
  describe(`a key file that is rotated, over ${name}`, () => {
    let server: StoreServer
    let store: Store
    let folder: Awaited<ReturnType<typeof makeFolder>>
    let keyFile: string
    const secret = randomBytes(32)
    const before = createVault(secret)
    const account = privateKeyToAccount(generatePrivateKey())
    const requests: RequestId[] = []
    const signed: Uint8Array[] = []
    let records: KeptRecord[]

    beforeAll(async () => {
      server = await startServer()
      store = server.open()
      await store.start({ use: 'alone' })
      folder = await makeFolder()
      keyFile = join(folder.path, 'veilcast.key')
      for (let nonce = 0; nonce < 5; nonce++) {
        const raw: Hex = await account.signTransaction({
          chainId: 1,
          nonce,
          gas: 21_000n,
          maxFeePerGas: 2_000_000_000n,
          to: account.address,
        })
        signed.push(hexToBytes(raw))
        requests.push(newRequestId())
        await admit(nonce)
      }
      const end = { bytes: null, expiresAtMs: Date.now() + 1e6 } as const
      await change(0, { ...end, state: 'final', exposedTo: 'node', detail: sealed(0) })
      await change(1, { ...end, state: 'refused', detail: sealed(1) })
      await change(2, { state: 'exposed', exposedTo: 'node' })
      records = await all()
    }, limitMs)
    afterAll(async () => {
      await server?.stop()
      await folder?.remove()
    }, limitMs)

    const keyOf = (vault: Vault, nonce: number) => vault.keyOf(chain, signed[nonce]!)
    const sealed = (nonce: number) => before.seal(Uint8Array.of(7, nonce), keyOf(before, nonce), 'detail')
    async function admit(nonce: number): Promise<void> {
      const [signedTx, key, tx] = [signed[nonce]!, keyOf(before, nonce), adapter.inspect(signed[nonce]!)]
      await store.records.admit({
        key,
        chain,
        txIdMac: before.txIdMac(chain, tx.txId),
        ...laneOf(chain, tx, before),
        bytes: before.seal(signedTx, key, 'bytes'),
        txId: before.seal(tx.txId, key, 'txId'),
        requestMac: before.requestMac(requests[nonce]!),
        notAfterMs: Date.now() + 1e6,
        nowMs: Date.now(),
      })
    }
    async function change(nonce: number, patch: Parameters<Store['records']['update']>[2]): Promise<void> {
      const record = await store.records.get(keyOf(before, nonce))
      expect(await store.records.update(record!.key, record!.number, patch, Date.now())).not.toBeNull()
    }
    async function all(): Promise<KeptRecord[]> {
      const found = new Map<string, KeptRecord>()
      for await (const page of store.upkeep.records())
        for (const record of page) found.set(record.key, record)
      return [...found.values()]
    }
    async function reset(): Promise<void> {
      for (const end of ['', '.next', '.former']) await rm(`${keyFile}${end}`, { force: true })
      await writeFile(keyFile, secret, { mode: 0o600 })
      await store.upkeep.empty()
      await store.upkeep.put(records.map((record) => ({ record })))
      await store.upkeep.close(null)
      await store.upkeep.sealFor(before.fingerprint)
    }
    const rotate = (onStep?: (step: string) => void) =>
      rotateKey(store, {
        keyFile,
        retentionSeconds: 3600,
        inspect: (_chain, signedTx) => adapter.inspect(signedTx),
        signal: new AbortController().signal,
        onProgress: () => {},
        ...(onStep ? { onStep } : {}),
      })

    async function expectRotated(): Promise<void> {
      const key = await readFile(keyFile)
      expect(Buffer.compare(key, secret)).not.toBe(0)
      expect((await stat(keyFile)).mode & 0o777).toBe(0o600)
      const former = await readFormerKey(keyFile)
      expect(Buffer.compare(former!.key, secret)).toBe(0)
      const vault = createVault(new Uint8Array(key), former!.key)
      expect([await store.upkeep.closed(), await store.upkeep.sealedBy()]).toEqual([null, vault.fingerprint])
      expect(await all()).toHaveLength(5)
      for (const [nonce, requestId] of requests.entries()) {
        const isLive = nonce >= 2
        const tx = adapter.inspect(signed[nonce]!)
        const record: TxRecord = (await store.records.get(keyOf(isLive ? vault : before, nonce)))!
        expect(record.txIdMac).toBe(vault.txIdMac(chain, tx.txId))
        expect(vault.open(record.txId, record.key, 'txId')).toEqual(tx.txId)
        expect(() => before.open(record.txId, record.key, 'txId')).toThrow()
        const found = await store.records.byRequest(vault.former!.requestMac(requestId) as Mac)
        expect(found?.key).toBe(record.key)
        if (isLive) {
          expect(vault.open(record.bytes!, record.key, 'bytes')).toEqual(signed[nonce])
          expect(vault.showSequence(record.laneMac!, record.sequence!)).toBe(BigInt(nonce))
        } else expect(vault.open(record.detail!, record.key, 'detail')).toEqual(Uint8Array.of(7, nonce))
      }
      const lane = await store.records.lane(
        chain,
        laneOf(chain, adapter.inspect(signed[3]!), vault).laneMac!,
        10,
      )
      expect(lane.map(({ state }) => state)).toEqual(['held', 'held', 'exposed'])
    }

    it('seals everything anew, and keeps the former key for those who ask by what it named', async () => {
      await reset()
      const { records: count, formerUntilMs } = await rotate()
      expect(count).toBe(5)
      expect(formerUntilMs).toBeGreaterThan(Date.now() + (3600 + 86_400) * 1000)
      await expectRotated()
      await expect(rotate()).rejects.toThrow(/rotated before.*needed until/)
      // Once nobody can ask by it any more it is gone.
      expect(await readFormerKey(keyFile, formerUntilMs)).toBeUndefined()
      await expect(stat(`${keyFile}.former`)).rejects.toThrow('ENOENT')
    })

    it(
      'is finished by being run again, wherever it was cut off, and nobody starts in between',
      async () => {
        const steps: string[] = []
        await reset()
        await rotate((step) => steps.push(step))
        expect(new Set(steps).size).toBeGreaterThan(6)
        for (const [cutAt, step] of steps.entries()) {
          await reset()
          let count = 0
          const cut = rotate(() => {
            if (count++ === cutAt) throw new Error('cut')
          })
          await expect(cut).rejects.toThrow('cut')
          const hasBegun = cutAt > steps.indexOf('close the store')
          expect([step, await store.upkeep.closed()]).toEqual([step, hasBegun ? 'rotating' : null])
          await rotate()
          await expectRotated()
        }
      },
      limitMs,
    )

    it('leaves a store alone that is under another key file, and transactions of a chain that it does not know', async () => {
      await reset()
      await writeFile(keyFile, randomBytes(32), { mode: 0o600 })
      await expect(rotate()).rejects.toThrow(/under another key file/)
      expect(await store.upkeep.closed()).toBeNull()
      await reset()
      await expect(
        rotateKey(store, {
          keyFile,
          retentionSeconds: 3600,
          inspect: () => undefined,
          signal: new AbortController().signal,
          onProgress: () => {},
        }),
      ).rejects.toThrow(/eip155:1 are under way, which the configuration does not name/)
      await rotate()
      await expectRotated()
    })
  })
}
