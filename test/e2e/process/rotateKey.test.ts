import { afterEach, beforeEach, expect, it } from '@jest/globals'
import { createClient, type VeilcastClient } from '@veilcast/client'
import { type Anvil, startAnvil } from '@veilcast/devnet'
import { createLoopback } from '@veilcast/shared/mixnet/loopback'
import { timing } from '../../support/crash.ts'
import { signEthTransfer } from '../../support/devnetSign.ts'
import { type FaultyEndpoint, startFaultyEndpoint } from '../../support/faultyEndpoint.ts'
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
import { until } from '../../support/until.ts'

const limitMs = 180_000
const loopback = createLoopback({ seed: 12 })

let anvil: Anvil
let endpoint: FaultyEndpoint
let native: FakeNativeClient
let client: VeilcastClient
let folder: Awaited<ReturnType<typeof makeFolder>>

beforeEach(async () => {
  folder = await makeFolder()
  anvil = await startAnvil()
  endpoint = await startFaultyEndpoint(anvil.rpcUrl)
  native = await startFakeNativeClient(loopback)
  client = createClient({ mixnet: loopback.dialer(), broadcasters: [native.address], timing })
  await client.start()
}, limitMs)
afterEach(async () => {
  await client?.stop()
  await endAll()
  await native?.stop()
  await endpoint?.stop()
  await anvil?.stop()
  await folder?.remove()
}, limitMs)

const sign = (account: number, nonce: number): Promise<`0x${string}`> =>
  signEthTransfer(anvil, {
    from: anvil.accounts[account]!,
    to: anvil.accounts[9]!.address,
    valueWei: 1n,
    nonce,
  })

it(
  'rotate-key: what waits is answered, what has ended is told to who asked before, and nothing is sent twice',
  async () => {
    const setup = { folder: folder.path, socketUrl: native.url, chains: [anvilSetup(anvil, endpoint.url)] }
    const config = await writeSocketConfig(setup)
    const command = (...args: string[]): Promise<Ended> =>
      run(process.execPath, [broadcasterProgram, ...args, '--config', config]).ended
    const stop = async ({ child, ended }: BroadcasterProcess): Promise<void> => {
      child.kill('SIGTERM')
      expect((await ended).code).toBe(0)
    }
    const submit = (signedTx: string) =>
      client.submit({ chain: anvil.chainId, signedTx }, { timeoutMs: limitMs })

    let broadcaster = await runSocketBroadcaster(setup)
    const first = await sign(0, 0)
    const ended = await submit(first)
    // Its number is used: refused before anybody was shown it.
    const refused = await signEthTransfer(anvil, {
      from: anvil.accounts[0]!,
      to: anvil.accounts[8]!.address,
      valueWei: 2n,
      nonce: 0,
    })
    await expect(submit(refused)).rejects.toMatchObject({ outcome: 'notSent' })
    await anvil.setAutomine(false)
    const waiting = submit(await sign(0, 1))
    waiting.catch(() => {})
    await until(() => endpoint.calls('eth_sendRawTransaction') === 2)
    await stop(broadcaster)

    expect(await command('rotate-key')).toMatchObject({ code: 0, stderr: '' })
    expect((await command('rotate-key')).stderr).toContain('was rotated before')

    broadcaster = await runSocketBroadcaster(setup)
    await anvil.mine()
    expect(await waiting).toMatchObject({ ok: true })
    const told = { submitId: ended.requestId, chain: anvil.chainId, txId: ended.txId }
    expect(await client.status(told, { timeoutMs: limitMs })).toMatchObject({ ok: true, txId: ended.txId })
    expect(await submit(first)).toMatchObject({ ok: true, txId: ended.txId })
    await expect(submit(refused)).rejects.toMatchObject({ outcome: 'notSent' })
    expect(endpoint.calls('eth_sendRawTransaction')).toBe(2)

    await anvil.setAutomine(true)
    expect(await submit(await sign(0, 2))).toMatchObject({ ok: true })
    expect(endpoint.calls('eth_sendRawTransaction')).toBe(3)
    await stop(broadcaster)
  },
  limitMs,
)
