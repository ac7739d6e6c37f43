import { appendFile } from 'node:fs/promises'
import { afterEach, beforeEach, expect, it } from '@jest/globals'
import { createClient, type VeilcastClient } from '@veilcast/client'
import { type Anvil, startAnvil } from '@veilcast/devnet'
import { createLoopback } from '@veilcast/shared/mixnet/loopback'
import { timing } from '../../support/crash.ts'
import { signEthTransfer } from '../../support/devnetSign.ts'
import { endpointSecret, type FaultyEndpoint, startFaultyEndpoint } from '../../support/faultyEndpoint.ts'
import { type FakeNativeClient, startFakeNativeClient } from '../../support/mixnetNativeClient.ts'
import { anvilSetup, makeFolder } from '../../support/path.ts'
import { type BroadcasterProcess, endAll } from '../../support/processes.ts'
import { runSocketBroadcaster, writeSocketConfig } from '../../support/socketBroadcaster.ts'
import { until } from '../../support/until.ts'

const limitMs = 180_000
const loopback = createLoopback({ seed: 10 })

let anvil: Anvil
let before: FaultyEndpoint
let after: FaultyEndpoint
let native: FakeNativeClient
let client: VeilcastClient
let folder: Awaited<ReturnType<typeof makeFolder>>
let broadcaster: BroadcasterProcess

const setup = (endpoint: FaultyEndpoint, more: object = {}, chain: object = {}) => ({
  folder: folder.path,
  socketUrl: native.url,
  chains: [anvilSetup(anvil, endpoint.url, chain)],
  more,
})
const events = (): {
  readonly event: string
  readonly changed: string[]
  readonly needsRestart: string[]
}[] => heard.map((line) => JSON.parse(line))
let heard: string[]

beforeEach(async () => {
  folder = await makeFolder()
  anvil = await startAnvil()
  await anvil.setAutomine(false)
  before = await startFaultyEndpoint(anvil.rpcUrl)
  after = await startFaultyEndpoint(anvil.rpcUrl)
  native = await startFakeNativeClient(loopback)
  client = createClient({ mixnet: loopback.dialer(), broadcasters: [native.address], timing })
  await client.start()
  broadcaster = await runSocketBroadcaster(setup(before))
  heard = []
  broadcaster.child.stdout!.on('data', (text: Buffer) => {
    heard.push(
      ...text
        .toString()
        .split('\n')
        .filter((line) => line.includes('"event":"reloaded"')),
    )
  })
}, limitMs)
afterEach(async () => {
  await client?.stop()
  await endAll()
  await native?.stop()
  await before?.stop()
  await after?.stop()
  await anvil?.stop()
  await folder?.remove()
}, limitMs)

async function reload(): Promise<ReturnType<typeof events>[number]> {
  const known = heard.length
  broadcaster.child.kill('SIGHUP')
  await until(() => heard.length > known)
  return events().at(-1)!
}

it(
  'SIGHUP replaces the endpoints under a submit that waits, and it is answered by who asked no second time',
  async () => {
    const signedTx = await signEthTransfer(anvil, {
      from: anvil.accounts[0]!,
      to: anvil.accounts[1]!.address,
      valueWei: 1n,
    })
    const progress: string[] = []
    const waiting = client.submit(
      { chain: anvil.chainId, signedTx },
      { timeoutMs: limitMs, onProgress: ({ stage }) => progress.push(stage) },
    )
    await until(() => progress.includes('submitted'))

    await writeSocketConfig(setup(after, { retentionSeconds: 7200, logLevel: 'warn' }))
    expect(await reload()).toEqual({
      event: 'reloaded',
      changed: ['retentionSeconds', 'logLevel', `chains ${anvil.chainId} endpoints`],
      needsRestart: [],
    })
    await before.stop()
    await anvil.mine()
    expect(await waiting).toMatchObject({ ok: true, stage: 'included' })
    expect(after.calls('eth_getBlockReceipts') + after.calls('eth_getTransactionReceipt')).toBeGreaterThan(0)
    expect((await client.info()).retentionSeconds).toBe(7200)
    expect((await fetch(`${broadcaster.dashboard}/readyz`)).status).toBe(200)

    // And what comes afterwards goes through the new one.
    await anvil.setAutomine(true)
    const next = await signEthTransfer(anvil, {
      from: anvil.accounts[2]!,
      to: anvil.accounts[1]!.address,
      valueWei: 1n,
    })
    expect(
      await client.submit({ chain: anvil.chainId, signedTx: next }, { timeoutMs: limitMs }),
    ).toMatchObject({ ok: true })
    expect(after.calls('eth_sendRawTransaction')).toBe(1)
    broadcaster.child.kill('SIGTERM')
    expect((await broadcaster.ended).code).toBe(0)
  },
  limitMs,
)

it(
  'what cannot change under way is named and stays; a file that is wrong changes nothing and is named in one line',
  async () => {
    await writeSocketConfig(
      setup(after, { dataDir: 'other', http: { port: 1 } }, { finality: { rule: 'instant' } }),
    )
    expect(await reload()).toEqual({
      event: 'reloaded',
      changed: [],
      needsRestart: [
        'dataDir',
        'http',
        `chains ${anvil.chainId} endpoints`,
        `chains ${anvil.chainId} finality`,
      ],
    })
    const file = await writeSocketConfig(setup(after))
    await appendFile(file, 'retentionSecond: 5\n')
    broadcaster.child.kill('SIGHUP')
    expect(await broadcaster.said(/nothing was reloaded/)).toMatch(
      /veilcast-broadcaster: nothing was reloaded: /,
    )
    expect(after.requests()).toBe(0)
    expect((await fetch(`${broadcaster.dashboard}/readyz`)).status).toBe(200)

    // Of another chain than the file says.
    const other = await startAnvil({ chainId: 5 })
    const wrong = await startFaultyEndpoint(other.rpcUrl)
    try {
      await writeSocketConfig(setup(wrong, { retentionSeconds: 7200 }))
      broadcaster.child.kill('SIGHUP')
      await broadcaster.said(/These endpoints are not what the configuration says/)
      expect((await client.info()).retentionSeconds).toBe(86_400)
    } finally {
      await wrong.stop()
      await other.stop()
    }
    broadcaster.child.kill('SIGTERM')
    const { code, stderr } = await broadcaster.ended
    expect(code).toBe(0)
    expect(stderr).not.toContain(endpointSecret)
  },
  limitMs,
)
