import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { Ended as Told, VeilcastClient } from '@veilcast/client'
import { createFileJournal } from '@veilcast/client/journal/file'
import {
  type Asked,
  accepted,
  failure,
  included,
  type Stage,
  setStage,
  signTransfer,
  submitted,
} from '../../support/client.ts'
import { type FakeNativeClient, startFakeNativeClient } from '../../support/mixnetNativeClient.ts'
import { clientProgram, type Ended, endAll, kill9, root, run } from '../../support/processes.ts'
import { until } from '../../support/until.ts'

/** Wallets that are killed without a word, and what the next one hears. The journal is a folder. */
describe('a wallet that is killed', () => {
  let stage: Stage
  let socket: FakeNativeClient
  let folder: string
  let transfer: Awaited<ReturnType<typeof signTransfer>>

  beforeEach(async () => {
    transfer = await signTransfer()
    folder = await mkdtemp(join(tmpdir(), 'veilcast-journal-'))
    stage = await setStage([broadcaster()], { journal: createFileJournal({ folder }) }, transfer.hash)
    socket = await startFakeNativeClient(stage.loopback)
  })
  afterEach(async () => {
    await endAll()
    await socket.stop()
    await stage.close()
    await rm(folder, { recursive: true })
  })

  /** It has what it was sent, and knows nothing else. */
  function broadcaster() {
    const known = new Set<string>()
    return (asked: Asked) => {
      const { body, id } = asked.request
      if (body.kind === 'submit') known.add(Buffer.from(id).toString('hex'))
      if (body.kind === 'status' && !known.has(Buffer.from(body.submitId).toString('hex')))
        return asked.answer(failure('unknownRequest'))
      asked.state(accepted, 1)
      asked.state(submitted, 2)
      asked.state(included, 3)
    }
  }
  const files = () => readdir(folder)
  const dieAt = async (point: string) => {
    const { chain, signedTx } = transfer
    const told = {
      point,
      folder,
      url: socket.url,
      broadcaster: stage.broadcasters[0]!.address,
      chain,
      signedTx,
    }
    const wallet = run(process.execPath, [join(root, 'test/support/journalWallet.mjs'), JSON.stringify(told)])
    expect(await wallet.ended).toMatchObject({ signal: 'SIGKILL', stderr: '' })
  }
  const resumeAll = async (client: VeilcastClient = stage.client): Promise<Told[]> => {
    const ended: Told[] = []
    const unfinished = await client.resume({ onResumed: (resumed) => void ended.push(resumed) })
    await Promise.allSettled(unfinished.map(({ receipt }) => receipt))
    return ended
  }
  const kinds = () => stage.broadcasters[0]!.asked.map(({ request }) => request.body.kind)

  it.each([
    ['once it is noted', ['status', 'submit']],
    ['once the message left', undefined],
    ['at accepted', ['submit', 'status']],
    ['at included', ['submit', 'status']],
    ['before it is removed', ['submit', 'status']],
  ])('%s: the next one hears that it is included, once it is asked', async (point, asked) => {
    await dieAt(point)
    const [entry] = await files()
    expect(entry).toMatch(/^[0-9a-f]{32}\.json$/)
    const ended = await resumeAll()
    expect(ended).toMatchObject([{ txId: transfer.txId, receipt: { stage: 'included', ok: true } }])
    if (asked) expect(kinds()).toEqual(asked)
    await until(async () => (await files()).length === 0)
    expect(await resumeAll()).toEqual([])
  })

  it('while it is noted: nothing had left', async () => {
    await dieAt('while it is noted')
    expect(kinds()).toEqual([])
    // The entry is whole, or it is not there.
    for (const { receipt } of await resumeAll()) expect(receipt?.stage).toBe('included')
  })

  describe('veilcast', () => {
    const veilcast = (...args: string[]) =>
      run(process.execPath, [clientProgram, ...args], {
        env: {
          VEILCAST_BROADCASTER: stage.broadcasters[0]!.address,
          VEILCAST_TRANSPORT: 'nym-socket',
          VEILCAST_SOCKET: socket.url,
          VEILCAST_JOURNAL: folder,
        },
      })
    const submit = (signedTx = transfer.signedTx, ...more: string[]) =>
      veilcast('submit', '--chain', transfer.chain, '--tx', signedTx, ...more)
    const parsed = ({ stdout }: Ended) => JSON.parse(stdout) as Record<string, unknown>[]

    it('resume: tells what became of it, once', async () => {
      stage.broadcasters[0]!.does((asked) => asked.state(accepted, 1))
      const first = submit()
      await first.said(/accepted/)
      await kill9(first)
      stage.broadcasters[0]!.does(broadcaster())
      const resumed = await veilcast('resume', '--json').ended
      expect(resumed.code).toBe(0)
      expect(parsed(resumed)).toMatchObject([
        { txId: transfer.txId, chain: 'eip155:1', receipt: { stage: 'included', ok: true } },
      ])
      expect(resumed.stdout + resumed.stderr).not.toContain(transfer.signedTx.slice(4, 60))
      const again = await veilcast('resume').ended
      expect([again.code, again.stdout]).toEqual([0, 'Nothing is unfinished.'])
    })

    it('resume: the exit code is that of the worst, and a signal leaves all of them open', async () => {
      const other = await signTransfer(8)
      stage.broadcasters[0]!.does(() => undefined)
      for (const { signedTx } of [transfer, other]) {
        expect((await submit(signedTx, '--timeout', '0.2').ended).code).toBe(3)
      }
      expect(await files()).toHaveLength(2)

      const interrupted = veilcast('resume', '--json')
      await interrupted.said(/sending/)
      interrupted.child.kill('SIGINT')
      const open = await interrupted.ended
      expect(open.code).toBe(130)
      expect(parsed(open).map(({ error }) => error)).toMatchObject([
        { outcome: 'unknown' },
        { outcome: 'unknown' },
      ])

      const hash = Buffer.from(other.txId.slice(2), 'hex')
      stage.broadcasters[0]!.does((asked) => {
        // Whichever it is about: the answer about the other one is not believed.
        asked.state(included, 2)
        asked.answer(
          {
            kind: 'state',
            txId: hash as never,
            state: { stage: 'replaced', by: hash as never, height: 30n },
          },
          { number: 2 },
        )
      })
      const ended = await veilcast('resume').ended
      expect(ended.code).toBe(4)
      expect(ended.stdout).toMatch(new RegExp(`^transaction +${transfer.txId}$`, 'm'))
      expect(ended.stdout).toMatch(
        new RegExp(`^transaction +${other.txId} on eip155:1\nveilcast: Another transaction`, 'm'),
      )
      expect(await files()).toEqual([])
    })

    it('submit: with a folder that cannot be used nothing is sent', async () => {
      const ended = await submit(transfer.signedTx, '--journal', '/dev/null/journal').ended
      expect(ended.code).toBe(2)
      expect(ended.stderr).toContain("The wallet's journal cannot be read or written.")
      expect(ended.stderr).toContain('ENOTDIR')
      expect(kinds()).toEqual([])
    })
  })
})
