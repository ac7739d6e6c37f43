import { randomBytes } from 'node:crypto'
import { readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createClient, type VeilcastClient } from '@veilcast/client'
import { type Anvil, startAnvil } from '@veilcast/devnet'
import { createLoopback } from '@veilcast/shared/mixnet/loopback'
import { crashChain, startCrashing, timing } from '../support/crash.ts'
import { signEthTransfer } from '../support/devnetSign.ts'
import { type FakeNativeClient, startFakeNativeClient } from '../support/mixnetNativeClient.ts'
import { makeFolder } from '../support/path.ts'
import { endAll, processesWith, type Running } from '../support/processes.ts'
import { until } from '../support/until.ts'
import { untilPooled } from '../support/untilPooled.ts'

const limitMs = 120_000

describe('an embedded Postgres that is killed under its broadcaster', () => {
  let anvil: Anvil
  let folder: Awaited<ReturnType<typeof makeFolder>>
  let native: FakeNativeClient
  let client: VeilcastClient
  let broadcaster: Running
  let readyz: () => Promise<{ status: number; store: boolean; ready: boolean }>
  let dataDir: string

  beforeEach(async () => {
    anvil = await startAnvil()
    folder = await makeFolder()
    dataDir = join(folder.path, 'postgres')
    const loopback = createLoopback({ seed: 5 })
    native = await startFakeNativeClient(loopback)
    client = createClient({ mixnet: loopback.dialer(), broadcasters: [native.address], timing })
    await client.start()
    broadcaster = startCrashing({
      store: { kind: 'embedded', dataDir },
      socketUrl: native.url,
      chain: crashChain(anvil),
      secret: randomBytes(32).toString('hex'),
    })
    const [, url] = /^ready (.*)$/.exec(await broadcaster.said(/^ready/)) ?? []
    readyz = async () => {
      const response = await fetch(`${url}/readyz`)
      return { status: response.status, ...((await response.json()) as { store: boolean; ready: boolean }) }
    }
  }, limitMs)
  afterEach(async () => {
    await client?.stop()
    await endAll()
    for (const line of await processesWith(dataDir)) process.kill(Number.parseInt(line, 10), 'SIGKILL')
    await native?.stop()
    await folder?.remove()
    await anvil?.stop()
  }, limitMs)

  async function killServerForAWhile(): Promise<void> {
    await rename(join(dataDir, 'data'), join(dataDir, 'away'))
    const pid = await readFile(join(dataDir, 'away', 'postmaster.pid'), 'utf8')
    process.kill(Number.parseInt(pid, 10), 'SIGKILL')
  }

  const transfer = async (nonce: number) => {
    const [from, to] = anvil.accounts
    const signedTx = await signEthTransfer(anvil, { from: from!, to: to!.address, valueWei: 1n, nonce })
    return { chain: anvil.chainId, signedTx }
  }

  it(
    'is away: /readyz says so, a wallet hears that it may try again; then it is back by itself',
    async () => {
      expect(await readyz()).toMatchObject({ status: 200, ready: true })
      const submission = await transfer(0)
      await killServerForAWhile()
      await until(async () => (await readyz()).status === 503)
      expect(await readyz()).toMatchObject({ store: false, ready: false })
      await expect(client.submit(submission)).rejects.toMatchObject({
        errorName: 'storeUnavailable',
        outcome: 'unknown',
      })
      await rename(join(dataDir, 'away'), join(dataDir, 'data'))
      await until(async () => (await readyz()).status === 200)
      expect(await client.submit(submission)).toMatchObject({ ok: true, durability: 'fsync' })
    },
    limitMs,
  )

  it(
    'twice in a row while a transaction waits for its block: the wallet needs to do nothing',
    async () => {
      await anvil.setAutomine(false)
      const receipt = client.submit(await transfer(0), { timeoutMs: limitMs })
      await untilPooled(anvil)
      for (let kill = 0; kill < 2; kill++) {
        const pid = Number.parseInt(await readFile(join(dataDir, 'data', 'postmaster.pid'), 'utf8'), 10)
        process.kill(pid, 'SIGKILL')
        await until(async () => {
          const next = await readFile(join(dataDir, 'data', 'postmaster.pid'), 'utf8').catch(() => '')
          return next !== '' && Number.parseInt(next, 10) !== pid && (await readyz()).status === 200
        })
      }
      await anvil.mine()
      expect(await receipt).toMatchObject({ ok: true, stage: 'included' })
      expect(broadcaster.child.exitCode).toBeNull()
    },
    limitMs,
  )

  it(
    'does not come back: the broadcaster ends, and says why',
    async () => {
      await killServerForAWhile()
      const { code, stdout } = await broadcaster.ended
      expect(stdout).toMatch(/^failed Postgres ended 7 times in a row: postgres\.log .* may say why\.$/m)
      expect(code).toBe(71)
    },
    limitMs,
  )
})
