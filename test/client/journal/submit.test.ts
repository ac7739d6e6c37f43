import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { type ClientOptions, createMemoryJournal, type Ended, type JournalEntry } from '@veilcast/client'
import { wireError } from '@veilcast/shared/errors'
import type { TxId } from '@veilcast/shared/protocol'
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

describe('submit, with a journal', () => {
  let stage: Stage
  let journal: WatchedJournal
  let transfer: Awaited<ReturnType<typeof signTransfer>>
  let parameters: { chain: string; signedTx: string }

  beforeEach(async () => {
    journal = watchJournal()
    transfer = await signTransfer()
    parameters = { chain: transfer.chain, signedTx: transfer.signedTx }
  })
  afterEach(() => stage.close())

  const open = async (scripts: ((asked: Asked) => void)[], options: Partial<ClientOptions> = {}) => {
    stage = await setStage(scripts, { journal, ...options }, transfer.hash)
  }
  const asked = (index = 0) => stage.broadcasters[index]!.asked
  const includedAtOnce = (one: Asked) => one.state(included, 1)

  it('default: durable before the first byte leaves, and gone once the caller was told', async () => {
    await open([includedAtOnce])
    const durable = gate()
    journal.before = () => durable.opened
    const result = stage.client.submit(parameters, { onProgress: stage.onProgress })
    await settled()
    expect(asked()).toHaveLength(0)
    expect(await journal.kept()).toEqual([])

    durable.open()
    const receipt = await result
    const [entry] = await journal.kept()
    expect(entry).toEqual({
      version: 1,
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
      chain: 'eip155:1',
      txId: transfer.txId,
      signedTx: transfer.signedTx.slice(2),
      until: 'included',
      everyStage: false,
      notAfter: expect.any(Number),
      asked: [{ broadcaster: stage.broadcasters[0]!.address, requestId: receipt.requestId }],
      madeAtMs: expect.any(Number),
    })
    expect(JSON.parse(JSON.stringify(entry))).toEqual(entry)
    await until(async () => (await journal.kept()).length === 0)
    expect(journal.calls).toEqual(['put 1 -', 'remove'])
  })

  it('behavior: notes the last stage that was heard', async () => {
    await open([(one) => one.state(accepted, 1)])
    const abort = new AbortController()
    const result = stage.client.submit(parameters, { signal: abort.signal })
    await until(async () => (await journal.kept())[0]?.stage === 'accepted')
    abort.abort()
    await expect(result).rejects.toMatchObject({ outcome: 'unknown' })
  })

  it('behavior: the next broadcaster is noted before its message leaves', async () => {
    await open([silent, includedAtOnce], { timing: quick })
    const second = gate()
    journal.before = () => (journal.calls.length > 1 ? second.opened : undefined)
    const result = stage.client.submit(parameters, { onProgress: stage.onProgress })
    await until(() => journal.calls.length > 1)
    await settled(100)
    expect(asked(1)).toHaveLength(0)
    second.open()
    expect((await result).broadcaster).toBe(1)
    expect(journal.calls.slice(0, 2)).toEqual(['put 1 -', 'put 2 -'])
    const [first, next] = stage.broadcasters.map(({ address }) => address)
    expect((await journal.kept())[0]?.asked.map(({ broadcaster }) => broadcaster)).toEqual([first, next])
    await until(async () => (await journal.kept()).length === 0)
  })

  it('behavior: one that cannot be noted is not asked, and the first still answers', async () => {
    await open([(one) => one.count === 5 && includedAtOnce(one), includedAtOnce], { timing: quick })
    journal.before = () => {
      if (journal.calls.length > 1 && journal.calls.at(-1)?.startsWith('put')) throw new Error('no room')
    }
    expect((await stage.client.submit(parameters)).broadcaster).toBe(0)
    expect(asked(1)).toHaveLength(0)
  })

  it('error: a journal that takes nothing: nothing is sent, unless the caller goes on without', async () => {
    await open([includedAtOnce])
    journal.before = () => {
      throw new Error(`no room for ${transfer.signedTx}`)
    }
    const error = await stage.client.submit(parameters).catch((error: unknown) => error)
    expect(error).toMatchObject({ errorName: 'journalUnavailable', outcome: 'notSent', retry: 'later' })
    expect(String(error)).not.toContain(transfer.signedTx)
    expect(asked()).toHaveLength(0)

    await settled()
    const calls = journal.calls.length
    expect((await stage.client.submit(parameters, { journal: false })).stage).toBe('included')
    await settled()
    expect(journal.calls).toHaveLength(calls)
  })

  it('error: a full journal says how full', async () => {
    await open([includedAtOnce], { journal: createMemoryJournal({ maxBytes: 100 }) })
    await expect(stage.client.submit(parameters)).rejects.toMatchObject({
      errorName: 'journalUnavailable',
      details: 'It is full: it takes 100 bytes.',
    })
    expect(asked()).toHaveLength(0)
  })

  it('error: a journal that never answers', async () => {
    await open([includedAtOnce])
    const never = gate()
    journal.before = () => never.opened
    await expect(stage.client.submit(parameters, { timeoutMs: 1_000 })).rejects.toMatchObject({
      errorName: 'journalUnavailable',
      outcome: 'notSent',
      details: 'It did not answer in time.',
    })
    const abort = new AbortController()
    const result = stage.client.submit(parameters, { signal: abort.signal })
    abort.abort()
    await expect(result).rejects.toMatchObject({ errorName: 'abortedBeforeSending', outcome: 'notSent' })
    // What was written too late is removed, and is not sent.
    never.open()
    await settled()
    expect(await journal.kept()).toEqual([])
    expect(asked()).toHaveLength(0)
  })

  it.each([
    ['refused', { stage: 'refused', error: wireError('nonceUsed', { expected: 8, got: 7 }) }, 0],
    ['replaced', { stage: 'replaced', by: new Uint8Array(32) as TxId, height: 3n }, 0],
    ['rejected by an endpoint', { stage: 'submitted', rejection: wireError('feeTooLow') }, 1],
    [
      'lapsed, after an endpoint had it',
      { stage: 'lapsed', error: wireError('lapsed', {}, { outcome: 'unknown' }) },
      1,
    ],
  ] as const)('behavior: %s: kept only where it may still land', async (_, state, kept) => {
    await open([(one) => one.state(state, 1)])
    await expect(stage.client.submit(parameters)).rejects.toMatchObject({ name: expect.any(String) })
    await settled()
    expect(await journal.kept()).toHaveLength(kept)
  })

  it('behavior: kept after a timeout, an abort and a stop', async () => {
    await open([silent])
    await expect(stage.client.submit(parameters, { timeoutMs: 1_000 })).rejects.toMatchObject({
      errorName: 'replyTimeout',
    })
    const abort = new AbortController()
    const aborted = stage.client.submit(parameters, { signal: abort.signal })
    await stage.broadcasters[0]!.had(2)
    abort.abort()
    await expect(aborted).rejects.toMatchObject({ errorName: 'aborted' })
    const stopped = stage.client.submit(parameters)
    stopped.catch(silent)
    await stage.broadcasters[0]!.had(3)
    await stage.client.stop()
    await expect(stopped).rejects.toMatchObject({ errorName: 'clientStopped' })
    expect(await journal.kept()).toHaveLength(3)
  })

  it('behavior: with onEnded the entry goes when that has done its part, and stays where it failed', async () => {
    await open([includedAtOnce])
    const written = gate()
    const told: Ended[] = []
    const receipt = await stage.client.submit(parameters, {
      onEnded: async (ended) => {
        told.push(ended)
        await written.opened
      },
    })
    await settled()
    const [{ id, madeAtMs }] = (await journal.kept()) as [JournalEntry]
    expect(told).toEqual([
      {
        ...{ id, madeAtMs, chain: 'eip155:1', txId: transfer.txId, until: 'included' },
        ...{ notAfter: expect.any(Number), stage: undefined, receipt, error: undefined },
      },
    ])
    written.open()
    await until(async () => (await journal.kept()).length === 0)

    await stage.client.submit(parameters, { onEnded: () => Promise.reject(new Error('mine')) })
    await until(() => stage.warnings.includes('The outcome could not be told: its entry stays.'))
    await settled()
    expect(await journal.kept()).toHaveLength(1)
  })

  it('behavior: a stop waits until what ended is removed', async () => {
    await open([includedAtOnce])
    journal.before = (call) => (call === 'remove' ? settled(50) : undefined)
    await stage.client.submit(parameters)
    await stage.client.stop()
    expect(await journal.kept()).toEqual([])
  })

  it('behavior: an entry that cannot be removed takes nothing from the receipt', async () => {
    await open([includedAtOnce])
    journal.before = (call) => {
      if (call === 'remove') throw new Error('read only')
    }
    expect((await stage.client.submit(parameters)).stage).toBe('included')
    await until(() => stage.warnings.length > 0)
    expect(stage.warnings).toEqual(['The journal did not let go of an entry: it will be resumed once more.'])
  })

  it('behavior: nothing is written after the end', async () => {
    await open([
      (one) => {
        one.state(accepted, 1)
        one.state(submitted, 2)
        one.state(included, 3)
      },
    ])
    journal.before = (call) => (call === 'put' && journal.calls.length > 1 ? settled(50) : undefined)
    await stage.client.submit({ ...parameters, everyStage: true })
    await until(() => journal.calls.includes('remove'))
    await settled(150)
    expect(journal.calls.at(-1)).toBe('remove')
    expect(await journal.kept()).toEqual([])
  })

  it('behavior: a broadcaster that turns the message away leaves no entry', async () => {
    // Repeated meanwhile, it would be another copy's failure.
    await open([(one) => one.answer(failure('chainNotServed'))], { timing: patient })
    await expect(stage.client.submit(parameters)).rejects.toMatchObject({ outcome: 'notSent' })
    await until(async () => (await journal.kept()).length === 0)
  })

  it.each([{ put: () => undefined }, 'indexeddb', { put: 1, remove: 2, entries: 3 }])(
    'error: %j is no journal',
    async (wrong) => {
      await open([silent])
      await expect(setStage([silent], { journal: wrong as never })).rejects.toMatchObject({
        errorName: 'invalidArgument',
        details: expect.stringContaining('journal'),
      })
    },
  )
})
