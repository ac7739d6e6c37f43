import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import {
  type ClientOptions,
  createClient,
  type Ended,
  type JournalEntry,
  type VeilcastClient,
} from '@veilcast/client'
import { wireError } from '@veilcast/shared/errors'
import type { TxId } from '@veilcast/shared/protocol'
import { journalEntry } from '../../contract/journal.ts'
import {
  type Asked,
  accepted,
  failure,
  included,
  patient,
  quick,
  type Stage,
  setStage,
  signTransfer,
  silent,
  submitted,
} from '../../support/client.ts'
import { gate, settled, type WatchedJournal, watchJournal } from '../../support/journal.ts'
import { until } from '../../support/until.ts'

describe('resume', () => {
  let stage: Stage
  let journal: WatchedJournal
  let transfer: Awaited<ReturnType<typeof signTransfer>>
  let parameters: { chain: string; signedTx: string }
  /** What the wallet left behind: one entry, asked of the first broadcaster under this id. */
  const requestId = 'ab'.repeat(16)
  const now = () => Math.floor(Date.now() / 1000)

  beforeEach(async () => {
    journal = watchJournal()
    transfer = await signTransfer()
    parameters = { chain: transfer.chain, signedTx: transfer.signedTx }
  })
  afterEach(() => stage.close())

  const open = async (scripts: ((asked: Asked) => void)[], options: Partial<ClientOptions> = {}) => {
    stage = await setStage(scripts, { journal, ...options }, transfer.hash)
  }
  const leave = async (name = 1, changes: Partial<JournalEntry> = {}) => {
    const { chain, txId, signedTx } = transfer
    const entry = journalEntry(name, {
      chain,
      txId,
      signedTx: signedTx.slice(2),
      notAfter: now() + 600,
      asked: [{ broadcaster: stage.broadcasters[0]!.address, requestId }],
      ...changes,
    })
    await journal.put(entry)
    journal.calls.length = 0
    return entry
  }
  const kinds = (index = 0) => stage.broadcasters[index]!.asked.map(({ request }) => request.body.kind)
  const only = async (client: VeilcastClient = stage.client, options = {}) => {
    const unfinished = await client.resume(options)
    expect(unfinished).toHaveLength(1)
    return unfinished[0]!
  }

  it('default: asked for by its request id, followed to its end, told and removed', async () => {
    await open([(one) => one.state(included, 4)])
    const entry = await leave(1, { stage: 'accepted' })
    const told: Ended[] = []
    const {
      receipt,
      forget: _,
      ...facts
    } = await only(stage.client, {
      onResumed: (resumed: Ended) => void told.push(resumed),
      onProgress: stage.onProgress,
    })
    const { id, chain, txId, until: wanted, notAfter, madeAtMs, stage: last } = entry
    expect(facts).toEqual({ id, chain, txId, until: wanted, notAfter, madeAtMs, stage: last })
    expect(await receipt).toMatchObject({ txId, stage: 'included', ok: true, requestId, broadcaster: 0 })
    expect(kinds()).toEqual(['status'])
    expect(stage.broadcasters[0]!.asked[0]!.request.body).toMatchObject({ until: 'included' })
    expect(stage.progress.map((progress) => progress.stage)).toEqual(['sending', 'included'])
    await until(async () => (await journal.kept()).length === 0)
    expect(told).toEqual([{ ...facts, receipt: await receipt, error: undefined }])
    expect(journal.calls).toEqual(['remove'])
    expect(await stage.client.resume()).toEqual([])
  })

  it('behavior: what the broadcaster never had is submitted again: the same bytes under the same id', async () => {
    await open([(one) => (one.count === 1 ? one.answer(failure('unknownRequest')) : one.state(included, 1))])
    const { notAfter } = await leave()
    expect((await (await only()).receipt).stage).toBe('included')
    expect(kinds()).toEqual(['status', 'submit'])
    const { request } = stage.broadcasters[0]!.asked[1]!
    expect(Buffer.from(request.id).toString('hex')).toBe(requestId)
    expect(request.body).toMatchObject({ kind: 'submit', notAfter, until: 'included' })
    expect((request.body as { signedTx: Uint8Array }).signedTx).toEqual(
      new Uint8Array(Buffer.from(transfer.signedTx.slice(2), 'hex')),
    )
  })

  it('behavior: after its notAfter it is not submitted again; unknown is said at once, and it stays', async () => {
    await open([
      (one) => one.answer(failure('unknownRequest')),
      (one) => one.answer(failure('unknownRequest')),
    ])
    const asked = stage.broadcasters.map(({ address }) => ({ broadcaster: address, requestId }))
    await leave(1, { notAfter: now() - 60, asked })
    await expect((await only()).receipt).rejects.toMatchObject({
      errorName: 'unknownRequest',
      outcome: 'unknown',
    })
    expect([kinds(0), kinds(1)]).toEqual([['status'], ['status']])
    await settled()
    expect(await journal.kept()).toHaveLength(1)
  })

  it('behavior: after its notAfter the chain may say what became of it', async () => {
    await open([(one) => one.state({ stage: 'replaced', by: new Uint8Array(32) as TxId, height: 30n }, 9)])
    await leave(1, { notAfter: now() - 60 })
    await expect((await only()).receipt).rejects.toMatchObject({ errorName: 'replaced', outcome: 'onChain' })
    await until(async () => (await journal.kept()).length === 0)
  })

  it('behavior: a week after its notAfter it is told once more, and goes', async () => {
    await open([(one) => one.answer(failure('unknownRequest'))])
    await leave(1, { notAfter: now() - 605_000 })
    await expect((await only()).receipt).rejects.toMatchObject({ outcome: 'unknown' })
    await until(async () => (await journal.kept()).length === 0)
  })

  it('behavior: the one that was asked last is asked first, then the others that had it', async () => {
    await open([(one) => one.state(included, 1), silent, silent], { timing: quick })
    const [first, second] = stage.broadcasters.map(({ address }) => address)
    const asked = [
      { broadcaster: first!, requestId },
      { broadcaster: second!, requestId: 'cd'.repeat(16) },
    ]
    await leave(1, { notAfter: now() - 60, asked })
    expect((await (await only()).receipt).broadcaster).toBe(0)
    expect(kinds(1)).toEqual(['status', 'status', 'status'])
    expect(kinds(2)).toEqual([])
  })

  it('behavior: one that is asked anew is noted before its message leaves', async () => {
    await open([silent, (one) => one.state(included, 1)], { timing: quick })
    await leave()
    expect((await (await only()).receipt).broadcaster).toBe(1)
    expect(journal.calls[0]).toBe('put 2 -')
    expect(kinds(1)).toEqual(['submit'])
  })

  it('behavior: only who is in the list is asked; the others may have sent it', async () => {
    await open([(one) => one.state({ stage: 'refused', error: wireError('nonceUsed') }, 1)])
    await leave(1, { asked: [{ broadcaster: 'a stranger', requestId }] })
    await expect((await only()).receipt).rejects.toMatchObject({ errorName: 'nonceUsed', outcome: 'unknown' })
    expect(kinds()).toEqual(['submit'])
    await settled()
    expect((await journal.kept())[0]?.asked).toHaveLength(2)
  })

  it('behavior: nobody is asked when it is too late and no one in the list had it', async () => {
    await open([silent])
    await leave(1, { notAfter: now() - 60, asked: [{ broadcaster: 'a stranger', requestId }] })
    await expect((await only()).receipt).rejects.toMatchObject({
      errorName: 'unknownRequest',
      outcome: 'unknown',
    })
    expect(kinds()).toEqual([])
  })

  it.each([
    [undefined, 'notSent', 0],
    ['accepted', 'notSent', 0],
    ['submitted', 'unknown', 1],
    ['included', 'unknown', 1],
  ] as const)('behavior: refused, and heard of before: %s: %s', async (before, outcome, kept) => {
    await open([(one) => one.state({ stage: 'refused', error: wireError('nonceUsed') }, 1)])
    await leave(1, { stage: before })
    await expect((await only()).receipt).rejects.toMatchObject({ errorName: 'nonceUsed', outcome })
    await settled()
    expect(await journal.kept()).toHaveLength(kept)
  })

  it('behavior: a wallet that dies twice: it is followed, and noted, again and again', async () => {
    await open([(one) => one.state(submitted, 2)])
    await leave()
    const abort = new AbortController()
    const { receipt } = await only(stage.client, { signal: abort.signal })
    await until(async () => (await journal.kept())[0]?.stage === 'submitted')
    abort.abort()
    await expect(receipt).rejects.toMatchObject({ errorName: 'aborted', outcome: 'unknown' })
    await settled()
    stage.broadcasters[0]!.does((one) => one.state(included, 3))
    expect(await only()).toMatchObject({ stage: 'submitted' })
    await until(async () => (await journal.kept()).length === 0)
  })

  it('behavior: the entry goes when onResumed has done its part, and stays where that failed', async () => {
    await open([(one) => one.state(included, 1)])
    await leave()
    await only(stage.client, {
      onResumed: () => {
        throw new Error('mine')
      },
    })
    await until(() => stage.warnings.includes('The outcome could not be told: its entry stays.'))
    await settled()
    expect(await journal.kept()).toHaveLength(1)

    const done = gate()
    let told = 0
    await only(stage.client, {
      onResumed: async () => {
        told += 1
        await done.opened
      },
    })
    await until(() => told === 1)
    await settled()
    expect(await journal.kept()).toHaveLength(1)
    done.open()
    await until(async () => (await journal.kept()).length === 0)
  })

  it('behavior: what is followed here is not among them, before and while it is removed', async () => {
    await open([silent], { timing: patient })
    const mine = stage.client.submit(parameters)
    mine.catch(silent)
    await stage.broadcasters[0]!.had(1)
    await leave(2, { asked: [{ broadcaster: stage.broadcasters[0]!.address, requestId }] })
    const [first, second] = await Promise.all([stage.client.resume(), stage.client.resume()])
    expect([first!.length, second!.length].sort()).toEqual([0, 1])
    expect([...first!, ...second!][0]!.id).toBe(journalEntry(2).id)
    expect(await stage.client.resume()).toEqual([])
  })

  it('behavior: two wallets on one journal both hear of it, and it is gone once', async () => {
    await open([(one) => one.state(included, 1)])
    await leave()
    const other = createClient({
      mixnet: stage.loopback.dialer(),
      broadcasters: [stage.broadcasters[0]!.address],
      journal,
      timing: quick,
    })
    await other.start()
    try {
      const [mine, theirs] = await Promise.all([only(), only(other)])
      expect((await mine.receipt).txId).toBe(transfer.txId)
      expect((await theirs.receipt).txId).toBe(transfer.txId)
      await until(() => journal.calls.filter((call) => call === 'remove').length === 2)
      await settled()
      expect(await journal.kept()).toEqual([])
    } finally {
      await other.stop()
    }
  })

  it('behavior: what another has claimed is left to it, and taken up once that one is gone', async () => {
    const claimed = new Set<string>()
    const claim = async (id: string) => {
      if (claimed.has(id)) return undefined
      claimed.add(id)
      return { release: () => void claimed.delete(id) }
    }
    await open([(one) => one.state(included, 1)], { journal: Object.assign(journal, { claim }) })
    const { id } = await leave()
    claimed.add(id)
    expect(await stage.client.resume()).toEqual([])
    claimed.clear()
    await (await only()).receipt
    await until(async () => (await journal.kept()).length === 0)
    expect(claimed.size).toBe(0)
    // A submit claims its entry as well.
    stage.broadcasters[0]!.does(silent)
    const abort = new AbortController()
    const mine = stage.client.submit(parameters, { signal: abort.signal })
    await until(async () => (await journal.kept()).length === 1)
    expect(claimed.size).toBe(1)
    abort.abort()
    await mine.catch(silent)
    await until(() => claimed.size === 0)
  })

  it('behavior: what another ended between the look and the claim is not resumed', async () => {
    const claim = async (id: string) => {
      await journal.remove(id)
      return { release: () => undefined }
    }
    await open([silent], { journal: Object.assign(journal, { claim }) })
    await leave()
    expect(await stage.client.resume()).toEqual([])
  })

  it('behavior: forgotten by the caller: gone now, and not written again', async () => {
    await open([silent], { timing: quick })
    await leave()
    const { forget, receipt } = await only()
    await forget()
    stage.broadcasters[0]!.does((one) => one.state(accepted, 1))
    await until(() => stage.broadcasters[0]!.asked.length > 2)
    expect(await journal.kept()).toEqual([])
    stage.broadcasters[0]!.does((one) => one.state(included, 2))
    expect((await receipt).stage).toBe('included')
  })

  it('behavior: sixteen at once, each of the others in its turn', async () => {
    await open([silent], { timing: patient })
    for (let name = 1; name <= 40; name += 1) {
      await leave(name, {
        asked: [
          { broadcaster: stage.broadcasters[0]!.address, requestId: name.toString(16).padStart(32, '0') },
        ],
      })
    }
    const unfinished = await stage.client.resume()
    expect(unfinished).toHaveLength(40)
    await stage.broadcasters[0]!.had(16)
    await settled(50)
    expect(kinds()).toHaveLength(16)
    stage.broadcasters[0]!.does((one) => one.state(included, 1))
    for (const one of [...stage.broadcasters[0]!.asked]) one.state(included, 1)
    await Promise.all(unfinished.map(({ receipt }) => receipt))
    await until(async () => (await journal.kept()).length === 0)
  })

  it('behavior: a stop ends all of them, those in their turn and those that wait, and keeps them', async () => {
    await open([silent], { timing: patient })
    for (let name = 1; name <= 20; name += 1) await leave(name)
    const unfinished = await stage.client.resume()
    await stage.broadcasters[0]!.had(1)
    await stage.client.stop()
    const ends = await Promise.allSettled(unfinished.map(({ receipt }) => receipt))
    for (const end of ends) {
      expect(end).toMatchObject({
        status: 'rejected',
        reason: { errorName: 'clientStopped', outcome: 'unknown' },
      })
    }
    expect(await journal.kept()).toHaveLength(20)
    await expect(stage.client.resume()).rejects.toMatchObject({ errorName: 'notStarted' })
  })

  it('behavior: cut off from the mixnet, or crowded out, nothing is called unsent', async () => {
    await open([silent], { timing: patient })
    await leave()
    stage.loopback.set({ unreachable: true })
    await expect((await only(stage.client, { timeoutMs: 1_000 })).receipt).rejects.toMatchObject({
      errorName: 'mixnetUnavailable',
      outcome: 'unknown',
    })
    stage.loopback.set({})
    await settled()
    for (let count = 0; count < 1024; count += 1) stage.client.info().catch(silent)
    await expect((await only()).receipt).rejects.toMatchObject({
      errorName: 'tooManyPending',
      outcome: 'unknown',
    })
    await settled()
    expect(await journal.kept()).toHaveLength(1)
  })

  it('behavior: what is no entry is passed over, told, and left where it is', async () => {
    await open([(one) => one.state(included, 1)])
    const entry = await leave()
    const other = await signTransfer(8)
    const strange: unknown[] = [
      null,
      undefined,
      7,
      'entry',
      [],
      { ...entry, version: 2 },
      { ...entry, id: '../../etc/passwd' },
      { ...entry, chain: 'eip155' },
      { ...entry, chain: 'solana:x' },
      { ...entry, txId: other.txId },
      { ...entry, signedTx: other.signedTx.slice(2) },
      { ...entry, signedTx: '' },
      { ...entry, signedTx: 'zz' },
      { ...entry, signedTx: 'c5'.repeat(1_000_001) },
      { ...entry, until: 'soon' },
      { ...entry, until: ['included'] },
      { ...entry, everyStage: 1 },
      { ...entry, notAfter: -1 },
      { ...entry, notAfter: '1800000000' },
      { ...entry, notAfter: 2 ** 32 },
      { ...entry, madeAtMs: Number.NaN },
      { ...entry, stage: 'stolen' },
      { ...entry, asked: [] },
      { ...entry, asked: {} },
      { ...entry, asked: [null] },
      { ...entry, asked: [{ broadcaster: 'x', requestId: 'short' }] },
      { ...entry, asked: Array.from({ length: 65 }, () => entry.asked[0]) },
      Object.defineProperty({}, 'version', {
        enumerable: true,
        get() {
          throw new Error('hostile')
        },
      }),
    ]
    const real = journal.entries
    journal.entries = async () => [...strange, ...(await real()), ...strange]
    const { receipt } = await only()
    expect(stage.warnings).toEqual(['The journal holds what is no entry of this version.'])
    await receipt
    await until(() => journal.calls.length > 0)
    expect(journal.calls).toEqual(['remove'])
  })

  it('behavior: what a later version added to an entry is not carried on', async () => {
    await open([(one) => one.state(accepted, 1)])
    await leave(1, { more: 'than we know' } as never)
    await only()
    await until(async () => (await journal.kept())[0]?.stage === 'accepted')
    expect((await journal.kept())[0]).not.toHaveProperty('more')
  })

  it('error: no journal; one that cannot be read; one that never answers', async () => {
    await open([silent])
    const bare = createClient({
      mixnet: stage.loopback.dialer(),
      broadcasters: [stage.broadcasters[0]!.address],
    })
    await bare.start()
    await expect(bare.resume()).rejects.toMatchObject({ errorName: 'invalidArgument' })
    await bare.stop()

    journal.before = () => {
      throw new Error('gone')
    }
    await expect(stage.client.resume()).rejects.toMatchObject({
      errorName: 'journalUnavailable',
      outcome: 'unknown',
    })
    const answers = gate()
    journal.before = () => answers.opened
    await expect(stage.client.resume({ timeoutMs: 30 })).rejects.toMatchObject({
      errorName: 'journalUnavailable',
      details: 'It did not answer in time.',
    })
    await expect(stage.client.resume({ signal: AbortSignal.timeout(30) })).rejects.toMatchObject({
      errorName: 'aborted',
    })
    await expect(stage.client.resume({ onResumed: 1 as never })).rejects.toMatchObject({
      errorName: 'invalidArgument',
    })
    // What was taken up too late is free for the next.
    journal.before = () => undefined
    await leave()
    answers.open()
    await settled()
    stage.broadcasters[0]!.does((one) => one.state(included, 1))
    await (await only()).receipt
  })
})
