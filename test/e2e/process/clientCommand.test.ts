import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { type Anvil, startAnvil } from '@veilcast/devnet'
import { type Localnet, startLocalnet } from '@veilcast/localnet'
import { keccak256 } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { signEthTransfer } from '../../support/devnetSign.ts'
import { anvilSetup, makeFolder } from '../../support/path.ts'
import {
  type BroadcasterProcess,
  clientProgram,
  type Ended,
  endAll,
  type Running,
  run,
  runBroadcaster,
  writeConfig,
} from '../../support/processes.ts'
import { untilPooled } from '../../support/untilPooled.ts'

const limitMs = 120_000

describe('veilcast, over the local Nym network', () => {
  let localnet: Localnet
  let anvil: Anvil
  let folder: Awaited<ReturnType<typeof makeFolder>>
  let broadcaster: BroadcasterProcess

  beforeAll(async () => {
    localnet = await startLocalnet()
    anvil = await startAnvil()
    folder = await makeFolder()
    broadcaster = await runBroadcaster(await writeConfig(folder.path, localnet, [anvilSetup(anvil)]))
  }, limitMs)
  afterEach(() => anvil.setAutomine(true))
  afterAll(async () => {
    broadcaster?.child.kill('SIGTERM')
    await broadcaster?.ended
    await endAll()
    await anvil?.stop()
    await localnet?.stop()
    await folder?.remove()
  }, limitMs)

  /** As a person who keeps the network and the broadcaster in the environment. */
  const veilcast = (...args: string[]): Running =>
    run(process.execPath, [clientProgram, ...args], {
      env: {
        VEILCAST_NYM_API: localnet.nymApiUrl,
        VEILCAST_GATEWAY: localnet.preferredGateway,
        VEILCAST_BROADCASTER: broadcaster.address,
        VEILCAST_COVER: 'light',
      },
    })
  const submit = (signedTx: string, ...args: string[]): Running =>
    veilcast('submit', '--chain', anvil.chainId, '--tx', signedTx, ...args)
  const transfer = (fields: { nonce?: number; valueWei?: bigint } = {}): Promise<`0x${string}`> =>
    signEthTransfer(anvil, {
      from: anvil.accounts[0]!,
      to: anvil.accounts[1]!.address,
      valueWei: 1n,
      ...fields,
    })
  const parsed = ({ stdout }: Ended): Record<string, unknown> => {
    // One line, so that other programs can read it as it comes.
    expect(stdout.split('\n')).toHaveLength(1)
    return JSON.parse(stdout) as Record<string, unknown>
  }

  it('--help: names the commands and the exit codes; each command has its own', async () => {
    const { code, stdout } = await veilcast('--help').ended
    expect(code).toBe(0)
    for (const word of ['submit', 'status', 'info', 'Exit codes']) expect(stdout).toContain(word)
    for (const name of ['submit', 'status', 'info']) {
      expect((await veilcast(name, '--help').ended).stdout).toContain('--broadcaster')
    }
  })

  it(
    'info: what the broadcaster serves',
    async () => {
      const ended = await veilcast('info', '--json').ended
      expect(ended.code).toBe(0)
      expect(parsed(ended)).toMatchObject({
        durability: 'fsync',
        chains: [{ chain: anvil.chainId, live: true }],
      })
    },
    limitMs,
  )

  it(
    'submit and status: receipt to stdout, progress to stderr, exit code 0',
    async () => {
      const signedTx = await transfer()
      const ended = await submit(signedTx, '--json').ended
      expect(ended.code).toBe(0)
      const receipt = parsed(ended)
      expect(receipt).toMatchObject({
        ok: true,
        stage: 'included',
        txId: keccak256(signedTx),
        chain: anvil.chainId,
      })
      for (const word of ['connected', 'sending', 'accepted', 'included'])
        expect(ended.stderr).toContain(word)
      expect(ended.stderr).not.toContain(signedTx.slice(2, 40))

      const asked = await veilcast('status', String(receipt.requestId), '--until', 'included', '--json').ended
      expect(asked.code).toBe(0)
      expect(parsed(asked)).toMatchObject({ ok: true, txId: receipt.txId })
    },
    limitMs,
  )

  it(
    'submit: reads the transaction from a file, and prints for people',
    async () => {
      const file = join(folder.path, 'tx.hex')
      const signedTx = await transfer()
      await writeFile(file, `${signedTx}\n`)
      const ended = await veilcast('submit', '--chain', anvil.chainId, '--tx-file', file).ended
      expect(ended.code).toBe(0)
      expect(ended.stdout).toMatch(new RegExp(`^transaction +${keccak256(signedTx)}$`, 'm'))
      expect(ended.stdout).toMatch(/^status +success$/m)
      expect(ended.stdout).toMatch(/^up +1 message, 1 packet, 3 SURBs$/m)
    },
    limitMs,
  )

  it(
    'exit code 2: insufficient funds, nothing was sent',
    async () => {
      const poor = privateKeyToAccount(`0x${'17'.repeat(32)}`)
      const signedTx = await poor.signTransaction({
        chainId: 31337,
        to: anvil.accounts[0]!.address,
        value: 1n,
        gas: 21_000n,
        maxFeePerGas: 2_000_000_000n,
        nonce: 0,
      })
      const ended = await submit(signedTx, '--json').ended
      expect(ended.code).toBe(2)
      expect(parsed(ended)).toMatchObject({ error: { name: 'insufficientFunds', outcome: 'notSent' } })
      expect(ended.stderr).toContain('safe to sign again')
    },
    limitMs,
  )

  it.each([
    ['a broadcaster that is no Nym address', ['info', '--broadcaster', 'nobody@nowhere'], /address/i],
    [
      'a transaction that is neither hex nor base64',
      ['submit', '--chain', 'eip155:1', '--tx', '§'],
      /hex nor base64/,
    ],
    ['a chain id that is none', ['submit', '--chain', 'mainnet', '--tx', '0x02'], /chain/],
    ['a request id that is none', ['status', 'xyz'], /request|submitId/i],
    ['no command', [], /Usage/],
    ['an unknown option', ['info', '--fast'], /--help/],
  ])(
    'exit code 1: %s',
    async (_, args, said) => {
      const { code, stdout, stderr } = await veilcast(...args).ended
      expect([code, stdout]).toEqual([1, ''])
      expect(stderr).toMatch(said)
      expect(stderr).not.toContain('connecting')
    },
    limitMs,
  )

  it(
    'exit code 3: no answer in time, and its status can be asked for later',
    async () => {
      await anvil.setAutomine(false)
      const signedTx = await transfer()
      const ended = await submit(signedTx, '--json', '--timeout', '8').ended
      expect(ended.code).toBe(3)
      const told = parsed(ended)
      expect(told).toMatchObject({
        error: { name: 'replyTimeout', outcome: 'unknown' },
        txId: keccak256(signedTx),
        requestId: expect.stringMatching(/^[0-9a-f]{32}$/),
      })
      expect(ended.stderr).toContain(`veilcast status ${told.requestId}`)

      await untilPooled(anvil)
      await anvil.mine()
      const asked = await veilcast('status', String(told.requestId), '--until', 'included', '--json').ended
      expect(asked.code).toBe(0)
      expect(parsed(asked)).toMatchObject({ ok: true, txId: keccak256(signedTx) })
    },
    limitMs,
  )

  it(
    'exit code 4: on chain and reverted, with what it gave back',
    async () => {
      const [from] = anvil.accounts
      const signedTx = await privateKeyToAccount(from!.privateKey).signTransaction({
        chainId: 31337,
        nonce: Number(await anvil.rpc('eth_getTransactionCount', [from!.address, 'pending'])),
        // A contract whose constructor reverts with the byte ab: PUSH1 ab, PUSH0, MSTORE8, PUSH1 1, PUSH0, REVERT.
        data: '0x60ab5f5360015ffd',
        gas: 100_000n,
        maxFeePerGas: 2_000_000_000n,
        maxPriorityFeePerGas: 1_000_000_000n,
      })
      const ended = await submit(signedTx, '--json').ended
      expect(ended.code).toBe(4)
      expect(parsed(ended)).toMatchObject({
        ok: false,
        state: { inclusion: { ok: false, revertData: '0xab' } },
      })
    },
    limitMs,
  )

  it(
    'Ctrl-C: exit code 130, and what is known is told first',
    async () => {
      await anvil.setAutomine(false)
      const waiting = submit(await transfer(), '--json')
      await waiting.said(/accepted/)
      for (let time = 0; time < 3; time++) waiting.child.kill('SIGINT')
      const ended = await waiting.ended
      expect(ended.code).toBe(130)
      const told = parsed(ended)
      expect(told).toMatchObject({ error: { name: 'aborted', outcome: 'unknown' } })
      expect(ended.stderr).toContain(`veilcast status ${told.requestId}`)
      await anvil.mine()
    },
    limitMs,
  )

  it(
    'Ctrl-C while it connects: exit code 130',
    async () => {
      const silent = createServer(() => {}).listen(0, '127.0.0.1')
      await once(silent, 'listening')
      const { port } = silent.address() as AddressInfo
      const waiting = veilcast('info', '--nym-api', `http://127.0.0.1:${port}/api`)
      await once(silent, 'request')
      waiting.child.kill('SIGINT')
      expect((await waiting.ended).code).toBe(130)
      silent.closeAllConnections()
      silent.close()
    },
    limitMs,
  )

  it(
    'a broadcaster that is away: exit code 3, after a timeout that says so',
    async () => {
      broadcaster.child.kill('SIGTERM')
      await broadcaster.ended
      const ended = await submit(await transfer(), '--timeout', '3').ended
      expect(ended.code).toBe(3)
      expect(ended.stderr).toContain('may still land')
    },
    limitMs,
  )
})
