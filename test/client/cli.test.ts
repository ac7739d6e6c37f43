import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { ChainId, InfoReply } from '@veilcast/shared/protocol'
import {
  accepted,
  failure,
  included,
  reverted,
  type Stage,
  setStage,
  signTransfer,
  silent,
  submitted,
} from '../support/client.ts'
import { type FakeNativeClient, startFakeNativeClient } from '../support/mixnetNativeClient.ts'

const main = join(__dirname, '../../client/bin/veilcast.js')
const running = new Set<ChildProcess>()

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** `heard` is called with all of stderr so far, as it grows. */
async function veilcast(
  args: string[],
  {
    env = {},
    input,
    heard,
  }: { env?: NodeJS.ProcessEnv; input?: string; heard?: (stderr: string, child: ChildProcess) => void } = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [main, ...args], {
    env: { PATH: process.env.PATH, ...env },
    stdio: 'pipe',
  })
  running.add(child)
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
    heard?.(stderr, child)
  })
  child.stdin.end(input)
  const [code] = await once(child, 'close')
  running.delete(child)
  expect(stdout + stderr).not.toMatch(/^\s+at .+:\d+:\d+/m)
  return { code, stdout, stderr }
}

describe('veilcast', () => {
  let stage: Stage
  let socket: FakeNativeClient
  let folder: string
  let network: string[]
  let transfer: Awaited<ReturnType<typeof signTransfer>>

  beforeAll(async () => {
    transfer = await signTransfer()
    stage = await setStage([silent], {}, transfer.hash)
    socket = await startFakeNativeClient(stage.loopback)
    folder = await mkdtemp(join(tmpdir(), 'veilcast-cli-'))
    network = ['-b', stage.broadcasters[0]!.address, '--transport', 'nym-socket', '--socket', socket.url]
  })
  afterAll(async () => {
    for (const child of running) child.kill('SIGKILL')
    await socket.stop()
    await stage.close()
    await rm(folder, { recursive: true })
  })

  const submit = (...more: string[]) => ['submit', ...network, '--chain', 'eip155:1', ...more]

  it('default: submit prints the receipt, and a line per stage', async () => {
    stage.broadcasters[0]!.does((asked) => {
      asked.state(accepted, 1)
      asked.state(included, 2)
    })
    const { code, stdout, stderr } = await veilcast(submit('--tx', transfer.signedTx))
    expect(code).toBe(0)
    expect(stdout).toMatch(new RegExp(`^transaction +${transfer.txId}$`, 'm'))
    expect(stdout).toMatch(/^status +success$/m)
    expect(stdout).toMatch(/^up +1 message, 1 packet, 3 SURBs$/m)
    for (const line of [
      'connecting by nym-socket',
      'sending, request [0-9a-f]{32}',
      'accepted \\(fsync\\)',
      'included in block 12',
    ]) {
      expect(stderr).toMatch(new RegExp(`^ +\\d+\\.\\d\\d s  ${line}$`, 'm'))
    }
    expect(stdout + stderr).not.toContain(transfer.signedTx.slice(4))
  })

  it('behavior: a reverted transaction exits with 4, and --json says it all', async () => {
    stage.broadcasters[0]!.does((asked) => asked.state(reverted, 1))
    const file = join(folder, 'tx')
    await writeFile(file, `${transfer.signedTx}\n`)
    const { code, stdout } = await veilcast(submit('--tx-file', file, '--json'))
    expect(code).toBe(4)
    expect(JSON.parse(stdout)).toMatchObject({
      txId: transfer.txId,
      ok: false,
      state: { stage: 'included', inclusion: { height: '12', revertData: '0x08c379a0' } },
    })
  })

  it('behavior: base64 from standard input, and all settings from the environment', async () => {
    stage.broadcasters[0]!.does((asked) => asked.state(accepted, 1))
    const env = {
      VEILCAST_BROADCASTER: stage.broadcasters[0]!.address,
      VEILCAST_TRANSPORT: 'nym-socket',
      VEILCAST_SOCKET: socket.url,
      VEILCAST_TIMEOUT: '20',
    }
    const input = `${Buffer.from(transfer.signedTx.slice(2), 'hex').toString('base64')}\n`
    const { code, stdout } = await veilcast(
      ['submit', '--chain', 'eip155:1', '--tx-file', '-', '--until', 'accepted'],
      { env, input },
    )
    expect(stdout).toContain(transfer.txId)
    expect(code).toBe(0)
  })

  it('behavior: status and info', async () => {
    const served: InfoReply = {
      kind: 'info',
      now: 1_800_000_000,
      maxNotAfterSeconds: 86_400,
      retentionSeconds: 86_400,
      durability: 'fsync',
      chains: [
        {
          chain: 'eip155:1' as ChainId,
          family: 'evm',
          live: true,
          finality: 'confirmations',
          confirmations: 12,
          maxTransactionBytes: 131_072,
          height: 99n,
        },
      ],
    }
    stage.broadcasters[0]!.does((asked) =>
      asked.request.body.kind === 'info' ? asked.answer(served) : asked.state(submitted, 2),
    )
    const status = await veilcast(['status', 'ab'.repeat(16), ...network])
    expect(status.stdout).toMatch(/^stage +submitted$/m)
    expect(status.code).toBe(0)
    const info = await veilcast(['info', ...network])
    expect(info.stdout).toMatch(/^eip155:1 +live, block 99, final by 12 confirmations, up to 131072 bytes$/m)
    expect(info.code).toBe(0)
  })

  it('error: the exit code is the outcome', async () => {
    stage.broadcasters[0]!.does((asked) => asked.answer(failure('insufficientFunds')))
    const refused = await veilcast(submit('--tx', transfer.signedTx, '--json'))
    expect(refused.code).toBe(2)
    expect(JSON.parse(refused.stdout)).toMatchObject({
      error: { name: 'insufficientFunds', outcome: 'notSent', retry: 'later' },
      txId: transfer.txId,
    })

    stage.broadcasters[0]!.does(silent)
    const silence = await veilcast(submit('--tx', transfer.signedTx, '--timeout', '0.3'))
    expect(silence.code).toBe(3)
    expect(silence.stderr).toMatch(/Outcome unknown: it may still land/)
    expect(silence.stderr).toMatch(/veilcast status [0-9a-f]{32}/)

    const nobody = await veilcast([...submit('--tx', transfer.signedTx), '--socket', 'ws://127.0.0.1:9'])
    expect(nobody.code).toBe(2)
    expect(nobody.stderr).toContain('The mixnet cannot be reached')
  })

  it('error: a signal after sending leaves the outcome open, and says so', async () => {
    stage.broadcasters[0]!.does(silent)
    let interrupted = false
    const { code, stderr } = await veilcast(submit('--tx', transfer.signedTx), {
      heard: (stderr, child) => {
        if (interrupted || !stderr.includes('sending')) return
        interrupted = true
        child.kill('SIGINT')
      },
    })
    expect(code).toBe(130)
    expect(stderr).toContain('Outcome unknown')
  })

  it.each([
    [['submit', '--tx', '0x00'], '--chain'],
    [['submit', '--chain', 'eip155:1', '--tx', '0x00'], '--broadcaster'],
    [['submit', '-b', 'there', '--chain', 'eip155:1', '--tx', '0x00'], 'A Nym address reads'],
    [['submit', '--chain', 'eip155:1', '--until', 'mined'], 'accepted, included, final'],
    [['submit', '--chain', 'eip155:1', '--timeout', '0'], 'above 0'],
    [['submit', '--chain', 'eip155:1', '--not-after', 'soon'], 'A date'],
    [['submit', '--chain', 'eip155:1', '--transport', 'tor'], 'nym-wasm, nym-socket'],
    [['broadcast'], 'unknown command'],
    [['status'], "missing required argument 'request'"],
  ])('error: a usage error exits with 1: %j', async (args, text) => {
    const { code, stdout, stderr } = await veilcast(args)
    expect(stderr).toContain(text)
    expect(stdout).toBe('')
    expect(code).toBe(1)
  })

  it('error: bad input is told before anything is connected', async () => {
    for (const [args, text] of [
      [submit(), '--tx or by --tx-file'],
      [submit('--tx', '0x01', '--tx-file', '-'), 'one of them'],
      [submit('--tx', 'what?'), 'neither hex nor base64'],
      [submit('--tx-file', join(folder, 'none')), 'ENOENT'],
      [submit('--tx', transfer.signedTx, '--not-after', '2020-01-01'), 'notAfter: has passed'],
      [['status', 'abc', ...network], 'submitId: is 32 hex digits'],
    ] as const) {
      const { code, stderr } = await veilcast([...args])
      expect(stderr).toContain(text)
      expect(stderr).not.toContain('connecting')
      expect(code).toBe(1)
    }
    const unsigned = await veilcast(submit('--tx', '0x02c0'))
    expect(unsigned.stderr).toContain('no signed transaction of type 2')
    expect(unsigned.code).toBe(2)
  })

  it('default: --help tells the commands, the options with their variables, and the exit codes', async () => {
    const { code, stdout } = await veilcast(['submit', '--help'])
    expect(code).toBe(0)
    for (const text of ['--every-stage', 'VEILCAST_BROADCASTER', 'Exit codes', '3  unknown'])
      expect(stdout).toContain(text)
    expect((await veilcast(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+/)
  })
})
