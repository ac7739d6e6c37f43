import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { type Anvil, startAnvil } from '@veilcast/devnet'
import { type Localnet, startLocalnet } from '@veilcast/localnet'
import { keccak256 } from 'viem'
import { parse } from 'yaml'
import { signEthTransfer } from '../../support/devnetSign.ts'
import { makeFolder } from '../../support/path.ts'
import {
  clientProgram,
  type Ended,
  endAll,
  processesWith,
  type Running,
  root,
  run,
} from '../../support/processes.ts'
import { describeWithRedis, startRedis } from '../../support/store.ts'
import { untilPooled } from '../../support/untilPooled.ts'

/** As npm links it, which `npx` starts. */
const command = join(root, 'node_modules/.bin/veilcast-broadcaster')
/** What the README promises. */
const firstTransactionLimitMs = 300_000
const limitMs = 360_000

let localnet: Localnet
let anvil: Anvil
let folder: Awaited<ReturnType<typeof makeFolder>>

beforeAll(async () => {
  localnet = await startLocalnet()
  anvil = await startAnvil()
  folder = await makeFolder()
}, limitMs)
afterEach(endAll, limitMs)
afterAll(async () => {
  expect(await processesWith(folder.path)).toEqual([])
  await anvil?.stop()
  await localnet?.stop()
  await folder?.remove()
}, limitMs)

const broadcaster = (...args: string[]): Running => run(command, args, { cwd: folder.path })

/** Runs it as a newcomer does, who reads what it prints. */
async function start(): Promise<{ readonly running: Running; readonly address: string }> {
  const running = broadcaster('run')
  const line = await running.said(/addresses: /)
  return { running, address: line.trim().split(' ').at(-1)! }
}

async function stop({ child, ended }: Running): Promise<void> {
  child.kill('SIGTERM')
  expect(await ended).toMatchObject({ code: 0 })
}

const veilcast = (address: string, ...args: string[]): Promise<Ended> =>
  run(process.execPath, [clientProgram, ...args, '--json'], {
    cwd: folder.path,
    env: {
      VEILCAST_NYM_API: localnet.nymApiUrl,
      VEILCAST_GATEWAY: localnet.preferredGateway,
      VEILCAST_BROADCASTER: address,
      VEILCAST_COVER: 'light',
    },
  }).ended

interface Receipt {
  readonly stage: string
  readonly txId: string
  readonly requestId: string
}

let receipt: Receipt

describe('a newcomer', () => {
  it(
    'default: init, check and run, to a served transaction in under five minutes, on the embedded store',
    async () => {
      const startedAtMs = Date.now()
      const initiated = await broadcaster(
        ...['init', '--yes', '--chain', `${anvil.rpcUrl}#me`, '--port', '0'],
        ...['--nym-api', localnet.nymApiUrl, '--gateway', localnet.preferredGateway],
      ).ended
      expect(initiated).toMatchObject({ code: 0, stderr: '' })
      expect(initiated.stdout).toContain(anvil.chainId)

      const checked = await broadcaster('check').ended
      expect(checked.stdout.split('\n').filter((line) => !line.startsWith('ok'))).toEqual([])
      expect(checked.code).toBe(0)

      const { running, address } = await start()
      const signedTx = await signEthTransfer(anvil, {
        from: anvil.accounts[0]!,
        to: anvil.accounts[1]!.address,
        valueWei: 1n,
      })
      const sent = await veilcast(address, 'submit', '--chain', anvil.chainId, '--tx', signedTx)
      expect(sent.code).toBe(0)
      receipt = JSON.parse(sent.stdout) as Receipt
      expect(receipt).toMatchObject({
        stage: expect.stringMatching(/^(included|final)$/),
        txId: keccak256(signedTx),
      })
      expect(Date.now() - startedAtMs).toBeLessThan(firstTransactionLimitMs)

      await stop(running)
      const config = parse(await readFile(join(folder.path, 'veilcast.yaml'), 'utf8')) as object
      expect(config).toMatchObject({ store: { kind: 'embedded' }, chains: [{ chain: anvil.chainId }] })
    },
    limitMs,
  )

  it(
    'behavior: the next run has the same address, and knows what became of the transaction',
    async () => {
      const { running, address } = await start()
      const asked = await veilcast(address, 'status', receipt.requestId)
      expect(JSON.parse(asked.stdout)).toMatchObject({ txId: receipt.txId })
      await stop(running)
    },
    limitMs,
  )
})

describeWithRedis('a newcomer who moves to Redis', () => {
  let server: Awaited<ReturnType<typeof startRedis>>
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(() => server?.stop(), limitMs)

  it(
    'default: loses nothing: what ended is known, and what waits is brought on chain',
    async () => {
      const before = await start()
      await anvil.setAutomine(false)
      const signedTx = await signEthTransfer(anvil, {
        from: anvil.accounts[0]!,
        to: anvil.accounts[1]!.address,
        valueWei: 1n,
      })
      const submit = ['submit', '--chain', anvil.chainId, '--tx', signedTx]
      const sent = await veilcast(before.address, ...submit, '--until', 'accepted')
      const waiting = JSON.parse(sent.stdout) as Receipt
      expect(waiting.txId).toBe(keccak256(signedTx))
      await untilPooled(anvil)
      await stop(before.running)

      const moved = await broadcaster('move-store', '--to', server.url).ended
      expect(moved).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^2 records moved from embedded/),
      })
      const path = join(folder.path, 'veilcast.yaml')
      const config = await readFile(path, 'utf8')
      await writeFile(
        path,
        config.replace('store: { kind: embedded }', `store: { kind: redis, url: ${server.url} }`),
      )

      const after = await start()
      expect(after.address).toBe(before.address)
      const ended = await veilcast(after.address, 'status', receipt.requestId)
      expect(JSON.parse(ended.stdout)).toMatchObject({ txId: receipt.txId })
      await anvil.setAutomine(true)
      await anvil.mine()
      const asked = await veilcast(after.address, 'status', waiting.requestId, '--until', 'included')
      expect(JSON.parse(asked.stdout)).toMatchObject({
        stage: expect.stringMatching(/^(included|final)$/),
        txId: waiting.txId,
      })
      await stop(after.running)
    },
    limitMs,
  )
})
