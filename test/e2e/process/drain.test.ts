import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createClient, type Receipt, type VeilcastClient } from '@veilcast/client'
import { type Anvil, startAnvil } from '@veilcast/devnet'
import { createLoopback } from '@veilcast/shared/mixnet/loopback'
import { timing } from '../../support/crash.ts'
import { signEthTransfer } from '../../support/devnetSign.ts'
import { type FaultyEndpoint, startFaultyEndpoint } from '../../support/faultyEndpoint.ts'
import { type FakeNativeClient, startFakeNativeClient } from '../../support/mixnetNativeClient.ts'
import { anvilSetup, makeFolder } from '../../support/path.ts'
import { type BroadcasterProcess, endAll, processesWith } from '../../support/processes.ts'
import { runSocketBroadcaster } from '../../support/socketBroadcaster.ts'
import { describeWithRedis, startRedis } from '../../support/store.ts'
import { until } from '../../support/until.ts'

const limitMs = 180_000
const loopback = createLoopback({ seed: 9 })

let anvil: Anvil
let native: FakeNativeClient
let client: VeilcastClient
let folder: Awaited<ReturnType<typeof makeFolder>>

beforeEach(async () => {
  folder = await makeFolder()
  native = await startFakeNativeClient(loopback)
  client = createClient({ mixnet: loopback.dialer(), broadcasters: [native.address], timing })
  await client.start()
}, limitMs)
afterEach(async () => {
  await client?.stop()
  await endAll()
  expect(await processesWith(folder.path)).toEqual([])
  await native?.stop()
  await anvil?.stop()
  await folder?.remove()
}, limitMs)

async function submit(account: number, nonce: number): Promise<{ readonly receipt: Promise<Receipt> }> {
  const signedTx = await signEthTransfer(anvil, {
    from: anvil.accounts[account]!,
    to: anvil.accounts[9]!.address,
    valueWei: 1n,
    nonce,
  })
  const receipt = client.submit({ chain: anvil.chainId, signedTx }, { timeoutMs: limitMs })
  receipt.catch(() => {})
  return { receipt }
}
async function readyzOf({ dashboard }: BroadcasterProcess): Promise<{ status: number; draining: boolean }> {
  const response = await fetch(`${dashboard}/readyz`)
  return { status: response.status, draining: ((await response.json()) as { draining: boolean }).draining }
}

describe('SIGTERM to a broadcaster that is alone', () => {
  it(
    'ends in its limit with code 0, and the next start goes on with what waited',
    async () => {
      anvil = await startAnvil()
      await anvil.setAutomine(false)
      const setup = { folder: folder.path, socketUrl: native.url, chains: [anvilSetup(anvil)] }
      let broadcaster = await runSocketBroadcaster(setup)
      expect(await readyzOf(broadcaster)).toEqual({ status: 200, draining: false })
      const first = await submit(0, 0)
      // Its predecessor is not there yet: it waits in the node.
      const third = await submit(0, 2)
      await until(async () => {
        const metrics = await (await fetch(`${broadcaster.dashboard}/metrics`)).text()
        return (
          /handed_over_total\{[^}]*\} [1-9]/.test(metrics) &&
          /requests_total\{kind="submit"\} ([2-9]|\d\d)/.test(metrics)
        )
      })
      broadcaster.child.kill('SIGTERM')
      expect((await broadcaster.ended).code).toBe(0)

      broadcaster = await runSocketBroadcaster(setup)
      const second = await submit(0, 1)
      await until(async () => (await anvil.rpc<{ pending: string }>('txpool_status')).pending === '0x3')
      await anvil.mine()
      for (const { receipt } of [first, second, third]) expect(await receipt).toMatchObject({ ok: true })
      broadcaster.child.kill('SIGTERM')
      expect((await broadcaster.ended).code).toBe(0)
    },
    limitMs,
  )
})

describeWithRedis('SIGTERM to one of two workers under load', () => {
  let redis: Awaited<ReturnType<typeof startRedis>>
  let silent: FaultyEndpoint
  beforeEach(async () => {
    redis = await startRedis()
    anvil = await startAnvil({ blockTimeMs: 500 })
    silent = await startFaultyEndpoint(anvil.rpcUrl)
  }, limitMs)
  afterEach(async () => {
    await endAll()
    await silent?.stop()
    await redis?.stop()
  })

  it(
    'it says that it drains, hands back what it cannot finish, and the other does it',
    async () => {
      const keyFile = join(folder.path, 'shared.key')
      await writeFile(keyFile, randomBytes(32), { mode: 0o600 })
      const start = async (role: string, url: string): Promise<BroadcasterProcess> => {
        const own = join(folder.path, `${role}-${randomBytes(4).toString('hex')}`)
        await mkdir(own)
        return runSocketBroadcaster({
          folder: own,
          socketUrl: native.url,
          // An endpoint has longer to answer than the drain has: what hangs there has to be cancelled.
          chains: [anvilSetup(anvil, url, { requestTimeoutMs: 60_000 })],
          store: { kind: 'redis', url: redis.url },
          more: { role, keyFile, drainLimitMs: 8_000 },
        })
      }
      await start('ingress', anvil.rpcUrl)
      const draining = await start('worker', silent.url)
      silent.set({ mode: 'hang', methods: ['eth_sendRawTransaction'] })
      const wave = async (nonce: number) =>
        Promise.all([0, 1, 2, 3, 4, 5].map((account) => submit(account, nonce)))
      const first = await wave(0)
      await until(() => silent.hanging() > 0)

      const other = await start('worker', anvil.rpcUrl)
      const second = await wave(1)
      draining.child.kill('SIGTERM')
      await until(async () => (await readyzOf(draining).catch(() => undefined))?.status === 503, 5)
      expect(await readyzOf(draining)).toEqual({ status: 503, draining: true })
      const third = await wave(2)
      expect((await draining.ended).code).toBe(0)
      for (const { receipt } of [...first, ...second, ...third])
        expect(await receipt).toMatchObject({ ok: true })
      for (const account of [0, 1, 2, 3, 4, 5]) {
        expect(await anvil.rpc('eth_getTransactionCount', [anvil.accounts[account]!.address, 'latest'])).toBe(
          '0x3',
        )
      }
      const metrics = await (await fetch(`${other.dashboard}/metrics`)).text()
      expect(metrics).not.toMatch(/failed_jobs_total\{[^}]*\} [1-9]/)
    },
    limitMs,
  )
})
