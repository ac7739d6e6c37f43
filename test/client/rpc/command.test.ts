import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import type { ChainId, InfoReply } from '@veilcast/shared/protocol'
import { type Stage, setStage, silent } from '../../support/client.ts'
import { type FakeNativeClient, startFakeNativeClient } from '../../support/mixnetNativeClient.ts'
import { clientProgram, endAll, type Running, run } from '../../support/processes.ts'
import { call } from '../../support/rpcEndpoint.ts'

const info: InfoReply = {
  kind: 'info',
  now: 1_800_000_000,
  maxNotAfterSeconds: 86_400,
  retentionSeconds: 86_400,
  durability: 'fsync',
  chains: (['eip155:1', 'cosmos:hub-4'] as ChainId[]).map((chain) => ({
    chain,
    family: chain.startsWith('eip155') ? ('evm' as const) : ('cosmos' as const),
    live: true,
    finality: 'confirmations' as const,
    confirmations: 12,
    maxTransactionBytes: 131_072,
    height: 99n,
  })),
}

describe('veilcast rpc', () => {
  let stage: Stage
  let native: FakeNativeClient
  let folder: string
  beforeAll(async () => {
    stage = await setStage([silent])
    native = await startFakeNativeClient(stage.loopback)
    folder = await mkdtemp(join(tmpdir(), 'veilcast-rpc-'))
  })
  afterEach(() => endAll())
  afterAll(async () => {
    await native.stop()
    await stage.close()
    await rm(folder, { recursive: true })
  })

  const start = (...more: string[]): Running =>
    run(process.execPath, [
      clientProgram,
      'rpc',
      ...['-b', stage.broadcasters[0]!.address, '--transport', 'nym-socket', '--port', '0'],
      ...(more.includes('--socket') ? [] : ['--socket', native.url]),
      ...more,
    ])
  const answersInfo = () =>
    stage.broadcasters[0]!.does((asked) => {
      if (asked.request.body.kind === 'info') asked.answer(info)
    })
  const urlOf = async (program: Running) =>
    /http:\/\/127\.0\.0\.1:\d+/.exec(await program.said(/listening at/))![0]

  it('default: prints where wallets find each chain, serves, and ends by Ctrl-C with 0', async () => {
    answersInfo()
    const program = start()
    const url = await urlOf(program)
    await program.said(/served: eip155:1, cosmos:hub-4/)
    const answer = await fetch(`${url}/1`, { method: 'POST', body: JSON.stringify(call('eth_chainId')) })
    expect(await answer.json()).toMatchObject({ result: '0x1' })
    expect(await (await fetch(`${url}/state.json`)).json()).toMatchObject({
      transport: 'nym-socket',
      chains: [{ chain: 'eip155:1', height: '99' }, { chain: 'cosmos:hub-4' }],
      calls: [{ method: 'eth_chainId', fromMemory: 1 }],
      traffic: { messagesUp: 1, messagesDown: 1 },
    })
    program.child.kill('SIGINT')
    const { code, stdout, stderr } = await program.ended
    expect(code).toBe(0)
    expect(stdout).toContain(`eip155:1      ${url}/eip155:1`)
    expect(stdout).toContain('MetaMask')
    expect(stderr).toContain('--allow-extensions')
  })

  it('behavior: listens although the mixnet is away, says so to who asks, and ends all the same', async () => {
    const program = start('--socket', 'ws://127.0.0.1:9', '--timeout', '5')
    const url = await urlOf(program)
    await program.said(/trying again/)
    const answer = await fetch(`${url}/1`, { method: 'POST', body: JSON.stringify(call('eth_chainId')) })
    expect(answer.status).toBe(503)
    expect(await answer.json()).toMatchObject({ error: { data: { name: 'notStarted', outcome: 'notSent' } } })
    program.child.kill('SIGTERM')
    expect((await program.ended).code).toBe(0)
  })

  it('behavior: a second signal ends it at once, though a transaction is on its way out', async () => {
    answersInfo()
    const program = start()
    const url = await urlOf(program)
    await program.said(/served/)
    const { signTransfer } = await import('../../support/client.ts')
    const { signedTx } = await signTransfer()
    const body = JSON.stringify(call('eth_sendRawTransaction', [signedTx]))
    const sending = fetch(`${url}/1`, { method: 'POST', body }).then(
      (answer) => answer.json(),
      () => 'cut off',
    )
    await stage.broadcasters[0]!.had(stage.broadcasters[0]!.asked.length + 1)
    program.child.kill('SIGINT')
    await program.said(/stopping/)
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    program.child.kill('SIGINT')
    expect((await program.ended).code).toBe(130)
    expect(await sending).toBe('cut off')
  })

  it('behavior: a token file is made for its owner alone, and what is in it is told nowhere', async () => {
    answersInfo()
    const file = join(folder, 'token')
    const program = start('--token-file', file)
    const url = await urlOf(program)
    await program.said(/served/)
    const token = (await readFile(file, 'utf8')).trim()
    expect(token).toMatch(/^[\w-]{43}$/)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    const body = JSON.stringify(call('eth_chainId'))
    expect((await fetch(`${url}/1`, { method: 'POST', body })).status).toBe(401)
    expect((await fetch(`${url}/t/${token}/1`, { method: 'POST', body })).status).toBe(200)
    program.child.kill('SIGINT')
    const { stdout, stderr } = await program.ended
    expect(stdout).toContain(`${url}/t/<token>/eip155:1`)
    expect(stdout + stderr).not.toContain(token)
  })

  it.each([
    [['--port', '65536'], 'A port'],
    [['--allow-origin', '*'], 'An origin reads'],
    [['--token-file', '/no/such/folder/token'], '--token-file'],
  ])('error: %j is told, with exit code 1', async (args, text) => {
    const { code, stderr } = await start(...args).ended
    expect(stderr).toContain(text)
    expect(code).toBe(1)
  })
})
