import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals'
import { createClient, type Receipt, type VeilcastClient } from '@veilcast/client'
import { type Anvil, startAnvil } from '@veilcast/devnet'
import { createLoopback } from '@veilcast/shared/mixnet/loopback'
import { timing } from '../../support/crash.ts'
import { signEthTransfer } from '../../support/devnetSign.ts'
import { type FakeNativeClient, startFakeNativeClient } from '../../support/mixnetNativeClient.ts'
import { anvilSetup, makeFolder } from '../../support/path.ts'
import {
  type BroadcasterProcess,
  broadcasterProgram,
  type Ended,
  endAll,
  run,
} from '../../support/processes.ts'
import { runSocketBroadcaster, writeSocketConfig } from '../../support/socketBroadcaster.ts'
import { describeWithRedis, startPostgres, startRedis } from '../../support/store.ts'
import { until } from '../../support/until.ts'

const limitMs = 240_000

describeWithRedis('one machine, moved from store to store', () => {
  let anvil: Anvil
  let redis: Awaited<ReturnType<typeof startRedis>>
  let postgres: Awaited<ReturnType<typeof startPostgres>>
  let native: FakeNativeClient
  let client: VeilcastClient
  let folder: Awaited<ReturnType<typeof makeFolder>>
  let broadcaster: BroadcasterProcess
  const loopback = createLoopback({ seed: 8 })
  const embedded = { kind: 'embedded' }

  beforeAll(async () => {
    anvil = await startAnvil()
    redis = await startRedis()
    postgres = await startPostgres()
  }, limitMs)
  afterAll(async () => {
    await postgres?.stop()
    await redis?.stop()
    await anvil?.stop()
  }, limitMs)
  beforeEach(async () => {
    folder = await makeFolder()
    native = await startFakeNativeClient(loopback)
    client = createClient({ mixnet: loopback.dialer(), broadcasters: [native.address], timing })
    await client.start()
  })
  afterEach(async () => {
    await client?.stop()
    await endAll()
    await native?.stop()
    await folder?.remove()
  }, limitMs)

  const setup = (store: object) => ({
    folder: folder.path,
    socketUrl: native.url,
    chains: [anvilSetup(anvil)],
    store,
  })
  const command = async (store: object, ...args: string[]): Promise<Ended> => {
    const config = await writeSocketConfig(setup(store))
    return run(process.execPath, [broadcasterProgram, ...args, '--config', config]).ended
  }
  async function start(store: object): Promise<void> {
    broadcaster = await runSocketBroadcaster(setup(store))
  }
  async function stop(): Promise<void> {
    broadcaster.child.kill('SIGTERM')
    expect((await broadcaster.ended).code).toBe(0)
  }
  const pooled = async (): Promise<boolean> =>
    (await anvil.rpc<{ pending: string }>('txpool_status')).pending !== '0x0'

  let nonce = 0
  /** Hears `submitted`, and waits for a block that nobody mines yet. */
  async function submitUnmined(): Promise<{ readonly receipt: Promise<Receipt> }> {
    const signedTx = await signEthTransfer(anvil, {
      from: anvil.accounts[0]!,
      to: anvil.accounts[1]!.address,
      valueWei: 1n,
      nonce: nonce++,
    })
    const receipt = client.submit({ chain: anvil.chainId, signedTx }, { timeoutMs: limitMs })
    receipt.catch(() => {})
    await until(pooled)
    return { receipt }
  }

  it(
    'embedded, Redis, Postgres and back: what waits is answered, and what has ended is still told',
    async () => {
      await anvil.setAutomine(false)
      const places: { readonly store: object; readonly to: string }[] = [
        { store: { kind: 'redis', url: redis.url }, to: redis.url },
        { store: { kind: 'postgres', url: postgres.url }, to: postgres.url },
        { store: embedded, to: 'embedded' },
      ]
      let store: object = embedded
      await start(store)
      const ended: Receipt[] = []
      for (const place of places) {
        const waiting = await submitUnmined()
        const held = client.submit(
          {
            chain: anvil.chainId,
            // Its predecessor is not there yet.
            signedTx: await signEthTransfer(anvil, {
              from: anvil.accounts[0]!,
              to: anvil.accounts[1]!.address,
              valueWei: 1n,
              nonce: nonce + 1,
            }),
          },
          { timeoutMs: limitMs },
        )
        held.catch(() => {})
        const waitsIn = async (): Promise<string> => (await fetch(`${broadcaster.dashboard}/metrics`)).text()
        await until(async () => /veilcast_requests_total\{kind="submit"\} ([2-9]|\d\d)/.test(await waitsIn()))
        await stop()
        // The old embedded one is in the way of the last move.
        const moved = await command(
          store,
          'move-store',
          '--to',
          place.to,
          ...(place.to === 'embedded' ? ['--force'] : []),
        )
        expect(moved.stderr).toBe('')
        expect(moved.stdout).toMatch(/^\d+ records moved from \w+ to \w+\./)
        expect(moved.code).toBe(0)

        const refused = await command(store, 'run', '--json')
        expect([refused.code, refused.stdout]).toEqual([2, ''])
        expect(refused.stderr).toContain('The records of this store were moved to another')

        ;({ store } = place)
        await start(store)
        await anvil.mine()
        ended.push(await waiting.receipt)
        const predecessor = await submitUnmined()
        await until(async () => (await anvil.rpc<{ pending: string }>('txpool_status')).pending === '0x2')
        await anvil.mine()
        ended.push(await predecessor.receipt, await held)
        nonce++
        for (const { requestId, txId } of ended) {
          const told = await client.status(
            { submitId: requestId, chain: anvil.chainId, txId },
            { timeoutMs: limitMs },
          )
          expect(told).toMatchObject({ ok: true, txId })
        }
      }
      expect(ended.map(({ ok }) => ok)).toEqual(ended.map(() => true))
      expect(await anvil.rpc('eth_getTransactionCount', [anvil.accounts[0]!.address, 'latest'])).toBe(
        `0x${nonce.toString(16)}`,
      )
      await stop()
    },
    limitMs,
  )

  it(
    'export and import: a file that only the key file opens, taken whole or not at all',
    async () => {
      await anvil.setAutomine(true)
      await start(embedded)
      const signedTx = await signEthTransfer(anvil, {
        from: anvil.accounts[2]!,
        to: anvil.accounts[1]!.address,
        valueWei: 1n,
      })
      const receipt = await client.submit({ chain: anvil.chainId, signedTx }, { timeoutMs: limitMs })
      const file = join(folder.path, 'records')
      const inUse = await command(embedded, 'export', '--to', file)
      expect([inUse.code, inUse.stderr]).toEqual([2, expect.stringContaining('Another broadcaster runs')])
      await stop()

      expect(await command(embedded, 'export', '--to', file)).toMatchObject({ code: 0, stderr: '' })
      const again = await command(embedded, 'export', '--to', file)
      expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('is there already')])
      await rm(join(folder.path, 'data', 'postgres'), { recursive: true })

      const imported = await command(embedded, 'import', '--from', file)
      expect(imported).toMatchObject({ code: 0, stderr: '' })
      const twice = await command(embedded, 'import', '--from', file)
      expect([twice.code, twice.stderr]).toEqual([2, expect.stringContaining('--force')])
      await start(embedded)
      expect(
        await client.status({ submitId: receipt.requestId, chain: anvil.chainId, txId: receipt.txId }),
      ).toMatchObject({ ok: true, txId: receipt.txId })
      await stop()

      await rm(join(folder.path, 'data', 'veilcast.key'))
      const noKey = await command(embedded, 'import', '--from', file, '--force')
      expect([noKey.code, noKey.stderr]).toEqual([1, expect.stringContaining('key file')])
    },
    limitMs,
  )
})
