import { createHash } from 'node:crypto'
import { afterEach, describe, expect, it } from '@jest/globals'
import { wireError } from '@veilcast/shared/errors'
import type { TxId, TxState } from '@veilcast/shared/protocol'
import {
  type Asked,
  accepted,
  failure,
  final,
  included,
  patient,
  quick,
  reverted,
  type Stage,
  setStage,
  signTransfer,
  silent,
  submitBody,
  submitted,
} from '../support/client.ts'

const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash('sha256').update(bytes).digest()) as TxId

let stage: Stage
afterEach(() => stage?.close())

const stages = () => stage.progress.map(({ stage }) => stage)

/** Accepts, and says the rest of the states at once. */
const goes =
  (...states: TxState[]) =>
  (asked: Asked) =>
    states.forEach((state, index) => {
      asked.state(state, index + 1)
    })

describe('submit', () => {
  it('default: resolves with the receipt once the transaction is included', async () => {
    const { hash, txId, ...transfer } = await signTransfer()
    stage = await setStage([goes(accepted, included)], { timing: patient }, hash)
    const receipt = await stage.client.submit(transfer, { onProgress: stage.onProgress })

    expect(receipt).toMatchObject({
      chain: 'eip155:1',
      txId,
      stage: 'included',
      ok: true,
      durability: 'fsync',
      broadcaster: 0,
      messages: { sent: 1, received: 2, surbs: 3, packetsUp: 1 },
    })
    expect(receipt.state).toMatchObject(included)
    expect(stages()).toEqual(['sending', 'accepted', 'included'])
    expect(new Set(stage.progress.map(({ requestId }) => requestId))).toEqual(new Set([receipt.requestId]))

    const [asked] = stage.broadcasters[0]!.asked
    const body = submitBody(asked!)
    expect(Buffer.from(body.signedTx).toString('hex')).toBe(transfer.signedTx.slice(2))
    expect(body).toMatchObject({ until: 'included', everyStage: false, chain: 'eip155:1' })
    expect(body.notAfter).toBeGreaterThan(Date.now() / 1000 + 590)
    expect(body.notAfter).toBeLessThan(Date.now() / 1000 + 610)
    expect(Buffer.from(asked!.request.id).toString('hex')).toBe(receipt.requestId)
    expect(asked!.request.surbs).toBe(3)
  })

  it.each([
    ['accepted', [accepted], 'accepted'],
    ['accepted', [submitted], 'submitted'],
    ['accepted', [included], 'included'],
    ['included', [accepted, submitted, included], 'included'],
    ['included', [final], 'final'],
    ['final', [accepted, included, final], 'final'],
    ['final', [accepted, included, submitted, included, final], 'final'],
  ] as const)('behavior: until %s is reached', async (until, states, reached) => {
    const { hash, ...transfer } = await signTransfer()
    stage = await setStage([goes(...states)], { timing: patient }, hash)
    const { chain, signedTx } = transfer
    const receipt = await stage.client.submit(
      { chain, signedTx, until, everyStage: true },
      { onProgress: stage.onProgress },
    )
    expect(receipt.stage).toBe(reached)
    expect(stages()).toEqual(['sending', ...states.map(({ stage }) => stage)])
  })

  it('behavior: a reverted transaction is included, with its revert data', async () => {
    const { hash, chain, signedTx } = await signTransfer()
    stage = await setStage([goes(accepted, reverted)], {}, hash)
    const receipt = await stage.client.submit({ chain, signedTx })
    expect(receipt).toMatchObject({ stage: 'included', ok: false })
    expect(receipt.state).toMatchObject({
      inclusion: { ok: false, revertData: Uint8Array.of(8, 195, 121, 160) },
    })
  })

  it('behavior: a Cosmos transaction that fails in delivery is included, with its code', async () => {
    const signedTx = new Uint8Array(314).fill(9)
    const hash = sha256(signedTx)
    const failed = {
      stage: 'included',
      inclusion: {
        family: 'cosmos',
        height: 5n,
        blockHash: new Uint8Array(32),
        code: 5,
        codespace: 'sdk',
        gasWanted: 90_000n,
        gasUsed: 60_000n,
      },
    } as const
    stage = await setStage([goes(accepted, failed)], {}, hash)
    const receipt = await stage.client.submit({ chain: 'cosmos:localnet-1', signedTx })
    expect(receipt).toMatchObject({
      stage: 'included',
      ok: false,
      txId: Buffer.from(hash).toString('hex').toUpperCase(),
    })
    expect(receipt.state).toMatchObject(failed)
  })

  it('behavior: repeats under the same id when a reply is lost, and is answered on the new SURBs', async () => {
    const { hash, chain, signedTx } = await signTransfer()
    stage = await setStage(
      [(asked) => asked.count === 3 && goes(accepted, included)(asked)],
      { timing: quick },
      hash,
    )
    const receipt = await stage.client.submit({ chain, signedTx }, { onProgress: stage.onProgress })
    expect(stages()).toEqual(['sending', 'repeating', 'repeating', 'accepted', 'included'])
    expect(receipt.messages).toEqual({ sent: 3, received: 2, surbs: 9, packetsUp: 3 })
    const { asked } = stage.broadcasters[0]!
    expect(new Set(asked.map(({ request }) => Buffer.from(request.id).toString('hex'))).size).toBe(1)
    for (const one of asked) expect(submitBody(one).notAfter).toBe(submitBody(asked[0]!).notAfter)
  })

  it('behavior: repeats when the request is lost', async () => {
    const { hash, chain, signedTx } = await signTransfer()
    stage = await setStage([goes(accepted, included)], { timing: quick }, hash)
    stage.loopback.set({ requests: { loss: 1 } })
    const result = stage.client.submit(
      { chain, signedTx },
      {
        onProgress: ({ stage: said }) => said === 'repeating' && stage.loopback.set({}),
      },
    )
    expect((await result).messages.sent).toBe(2)
  })

  it('behavior: comes through loss, duplication and reordering', async () => {
    const { hash, chain, signedTx } = await signTransfer()
    stage = await setStage(
      [(asked) => goes(accepted, submitted, included)(asked)],
      { timing: { ...quick, firstRepeatMs: 20, laterRepeatMs: 20, maxRepeatMs: 40, maxSilences: 100 } },
      hash,
    )
    stage.loopback.set({ loss: 0.4, duplication: 0.4, reordering: 0.5, delayMs: { min: 0, max: 15 } })
    const receipts = await Promise.all(
      Array.from({ length: 20 }, () => stage.client.submit({ chain, signedTx, everyStage: true })),
    )
    for (const receipt of receipts) expect(receipt.stage).toBe('included')
  })

  it('behavior: repeats at once when the transport began anew', async () => {
    const { hash, chain, signedTx } = await signTransfer()
    stage = await setStage([silent], { timing: patient }, hash)
    const result = stage.client.submit({ chain, signedTx })
    await stage.broadcasters[0]!.had(1)
    stage.broadcasters[0]!.does(goes(accepted, included))
    stage.dialer.restart()
    expect((await result).messages.sent).toBe(2)
  })

  it('behavior: a large transaction is asked for, and sent again only where the broadcaster knows nothing of it', async () => {
    const signedTx = new Uint8Array(20_000).fill(7)
    stage = await setStage(
      [
        (asked) => {
          if (asked.count === 2) asked.answer(failure('unknownRequest'))
          if (asked.count === 3) asked.state(accepted, 1)
          if (asked.count === 4) asked.state(included, 2)
        },
      ],
      { timing: quick },
      sha256(signedTx),
    )
    const receipt = await stage.client.submit({ chain: 'cosmos:big-1', signedTx })
    expect(receipt.stage).toBe('included')
    const { asked } = stage.broadcasters[0]!
    expect(asked.map(({ request }) => request.body.kind)).toEqual(['submit', 'status', 'submit', 'status'])
    const { id } = asked[0]!.request
    expect(asked[2]!.request.id).toEqual(id)
    expect(asked[1]!.request.body).toMatchObject({ submitId: id })
    expect(asked[3]!.request.body).toMatchObject({ submitId: id })
  })

  it('behavior: after three silences the next broadcaster is asked, under another id', async () => {
    const { hash, chain, signedTx } = await signTransfer()
    stage = await setStage([silent, goes(accepted, included)], { timing: quick }, hash)
    const receipt = await stage.client.submit({ chain, signedTx }, { onProgress: stage.onProgress })
    expect(receipt.broadcaster).toBe(1)
    expect(stages()).toEqual(['sending', 'repeating', 'repeating', 'failover', 'accepted', 'included'])
    const [first, second] = stage.broadcasters
    expect(first!.asked).toHaveLength(3)
    expect(second!.asked[0]!.request.id).not.toEqual(first!.asked[0]!.request.id)
    expect(receipt.requestId).toBe(Buffer.from(second!.asked[0]!.request.id).toString('hex'))
  })

  it('behavior: the first broadcaster may still answer after the next was asked', async () => {
    const { hash, chain, signedTx } = await signTransfer()
    stage = await setStage([silent, silent], { timing: quick }, hash)
    stage.broadcasters[1]!.does(() => goes(accepted, included)(stage.broadcasters[0]!.asked[0]!))
    const receipt = await stage.client.submit({ chain, signedTx })
    expect(receipt.broadcaster).toBe(0)
    expect(receipt.requestId).toBe(Buffer.from(stage.broadcasters[0]!.asked[0]!.request.id).toString('hex'))
  })

  it('behavior: who does not serve the chain is left at once for the next', async () => {
    const { hash, chain, signedTx } = await signTransfer()
    stage = await setStage(
      [(asked) => asked.answer(failure('chainNotServed')), goes(accepted, included)],
      { timing: patient },
      hash,
    )
    const receipt = await stage.client.submit({ chain, signedTx }, { onProgress: stage.onProgress })
    expect(receipt.broadcaster).toBe(1)
    expect(stage.progress[1]).toMatchObject({ stage: 'failover', reason: { errorName: 'chainNotServed' } })
  })

  it('behavior: who is busy is asked again', async () => {
    const { hash, chain, signedTx } = await signTransfer()
    stage = await setStage(
      [
        (asked) =>
          asked.count === 1
            ? asked.answer(failure('busy', { retryAfterMs: 30 }))
            : goes(accepted, included)(asked),
      ],
      { timing: quick },
      hash,
    )
    expect((await stage.client.submit({ chain, signedTx })).messages.sent).toBe(2)
  })
})

describe('submit: what may not be believed', () => {
  it('behavior: an older state changes nothing', async () => {
    const { hash, chain, signedTx } = await signTransfer()
    stage = await setStage(
      [
        (asked) => {
          asked.state(included, 4)
          asked.state(accepted, 1)
          asked.state(included, 4)
          asked.state(final, 5)
        },
      ],
      {},
      hash,
    )
    await stage.client.submit(
      { chain, signedTx, until: 'final', everyStage: true },
      { onProgress: stage.onProgress },
    )
    expect(stages()).toEqual(['sending', 'included', 'final'])
    expect(stage.client.ignored.unfit).toBe(1)
  })

  it('behavior: a failure after a state ends nothing', async () => {
    const { hash, chain, signedTx } = await signTransfer()
    stage = await setStage(
      [
        (asked) => {
          asked.state(accepted, 1)
          asked.answer(failure('invalidSignature'))
          asked.state(included, 2)
        },
      ],
      {},
      hash,
    )
    expect((await stage.client.submit({ chain, signedTx, everyStage: true })).stage).toBe('included')
  })

  it('behavior: another life of the store is believed only in answer to a fresh question', async () => {
    const { hash, chain, signedTx } = await signTransfer()
    stage = await setStage(
      [
        (asked) => {
          if (asked.count > 1) return asked.state(accepted, 2, { incarnation: 2 })
          asked.state(accepted, 9, { incarnation: 1 })
          asked.state(included, 10, { incarnation: 2 })
        },
      ],
      { timing: patient },
      hash,
    )
    const result = stage.client.submit({ chain, signedTx }, { onProgress: stage.onProgress })
    const fresh = await stage.broadcasters[0]!.had(2)
    const first = stage.broadcasters[0]!.asked[0]!
    expect(fresh.request.body).toMatchObject({ kind: 'status', submitId: first.request.id })
    expect(fresh.request.id).not.toEqual(first.request.id)
    // Numbers count from that answer on, whatever the first life's were, and the first life is over.
    fresh.state(included, 3, { incarnation: 2 })
    expect((await result).stage).toBe('included')
    expect(stages()).toEqual(['sending', 'accepted', 'repeating', 'accepted', 'included'])
  })

  it('behavior: a broadcaster that changes its life with each answer does not make us chatter', async () => {
    const { hash, chain, signedTx } = await signTransfer()
    let life = 1
    stage = await setStage(
      [
        (asked) => {
          asked.state(accepted, 1, { incarnation: life++ })
          asked.state(accepted, 1, { incarnation: life++ })
        },
      ],
      { timing: patient },
      hash,
    )
    const result = stage.client.submit({ chain, signedTx }, { timeoutMs: 400 })
    await expect(result).rejects.toMatchObject({ errorName: 'replyTimeout', outcome: 'unknown' })
    expect(stage.broadcasters[0]!.asked).toHaveLength(4)
  })

  it('behavior: after the store was lost the transaction is submitted again', async () => {
    const signedTx = new Uint8Array(5_000).fill(7)
    const hash = sha256(signedTx)
    stage = await setStage(
      [
        (asked) => {
          if (asked.count === 1) asked.state(accepted, 3, { incarnation: 1 })
          if (asked.count === 2) asked.answer(failure('unknownRequest'), { incarnation: 2 })
          if (asked.count === 3) asked.state(accepted, 1, { incarnation: 2 })
          if (asked.count === 4)
            goes(accepted, included)({ ...asked, state: (s, n) => asked.state(s, n, { incarnation: 2 }) })
        },
      ],
      { timing: quick },
      hash,
    )
    expect((await stage.client.submit({ chain: 'cosmos:x', signedTx })).stage).toBe('included')
    expect(stage.broadcasters[0]!.asked.map(({ request }) => request.body.kind)).toEqual([
      'submit',
      'status',
      'submit',
      'status',
    ])
  })
})

describe('submit: ends', () => {
  const rejects = async (
    body: (asked: Asked) => void,
    expected: object,
    others: ((asked: Asked) => void)[] = [],
    options: object = { timing: quick },
  ) => {
    const { hash, chain, signedTx } = await signTransfer()
    stage = await setStage([body, ...others], options, hash)
    await expect(
      stage.client.submit({ chain, signedTx, everyStage: true }, { onProgress: stage.onProgress }),
    ).rejects.toMatchObject(expected)
  }

  it('error: refused before anyone had it', () =>
    rejects(goes(accepted, { stage: 'refused', error: wireError('nonceUsed', { expected: 8, got: 7 }) }), {
      errorName: 'nonceUsed',
      outcome: 'notSent',
      values: { expected: 8n, got: 7n },
    }))

  it('error: lapsed, unsent or not', async () => {
    await rejects(goes(accepted, { stage: 'lapsed', error: wireError('lapsed', { notAfter: 5 }) }), {
      errorName: 'lapsed',
      outcome: 'notSent',
    })
    await stage.close()
    await rejects(
      goes(accepted, submitted, { stage: 'lapsed', error: wireError('lapsed', { notAfter: 5 }) }),
      // It was shown before: its word that it was not sent does not count.
      { errorName: 'lapsed', outcome: 'unknown' },
    )
  })

  it('error: replaced by another', () =>
    rejects(goes(accepted, submitted, { stage: 'replaced', by: new Uint8Array(32) as TxId, height: 30n }), {
      errorName: 'replaced',
      outcome: 'onChain',
      values: { height: 30n },
    }))

  it('error: an endpoint spoke against it, which leaves the outcome open', () =>
    rejects(
      goes(accepted, {
        stage: 'submitted',
        rejection: wireError('cosmosOutOfGas', { code: 11 }, { outcome: 'notSent' }),
      }),
      { errorName: 'cosmosOutOfGas', outcome: 'unknown' },
    ))

  it('error: the broadcaster finds fault with the bytes', () =>
    rejects((asked) => asked.answer(failure('wrongChainId', { expected: 1, got: 5 })), {
      errorName: 'wrongChainId',
      outcome: 'notSent',
    }))

  it('error: nobody serves the chain', () =>
    rejects(
      (asked) => asked.answer(failure('chainNotServed')),
      { errorName: 'noLiveEndpoint', outcome: 'notSent' },
      [(asked) => asked.answer(failure('noLiveEndpoint'))],
    ))

  it('behavior: notSent is not passed on while a silent broadcaster may have sent it', () =>
    rejects(silent, { errorName: 'nonceUsed', outcome: 'unknown' }, [
      goes({ stage: 'refused', error: wireError('nonceUsed', { expected: 8, got: 7 }) }),
    ]))

  it('behavior: a failure that may concern a second copy only is looked into first', async () => {
    await rejects(
      (asked) => {
        if (asked.count === 2) asked.answer(failure('notAfterPassed', { notAfter: 1, now: 2 }))
        if (asked.count === 3)
          goes(accepted, { stage: 'lapsed', error: wireError('lapsed', {}, { outcome: 'unknown' }) })(asked)
      },
      { errorName: 'lapsed', outcome: 'unknown' },
    )
    expect(stage.broadcasters[0]!.asked.map(({ request }) => request.body.kind)).toEqual([
      'submit',
      'submit',
      'status',
    ])
    await stage.close()
    await rejects(
      (asked) => {
        if (asked.count === 2) asked.answer(failure('notAfterPassed', { notAfter: 1, now: 2 }))
        if (asked.count === 3) asked.answer(failure('unknownRequest'))
      },
      { errorName: 'notAfterPassed', outcome: 'unknown' },
    )
  })

  it('error: one of a later version, which says its outcome at least', () =>
    rejects(
      (asked) =>
        asked.answer({ kind: 'failure', error: { number: 30, outcome: 'notSent', values: [], label: '' } }),
      { errorName: 'internal', outcome: 'notSent', details: expect.stringContaining('30') },
    ))

  it('error: no answer in time', async () => {
    const { hash, chain, signedTx } = await signTransfer()
    stage = await setStage([(asked) => asked.state(accepted, 1)], {}, hash)
    await expect(stage.client.submit({ chain, signedTx }, { timeoutMs: 1_000 })).rejects.toMatchObject({
      errorName: 'replyTimeout',
      outcome: 'unknown',
      retry: 'sameRequest',
      values: { waitedMs: expect.any(BigInt) },
      details: 'The last that was heard of it: accepted.',
    })
  })

  it('error: aborted before, while and after sending', async () => {
    const { hash, chain, signedTx } = await signTransfer()
    stage = await setStage([silent], {}, hash)
    await expect(
      stage.client.submit({ chain, signedTx }, { signal: AbortSignal.abort() }),
    ).rejects.toMatchObject({
      errorName: 'abortedBeforeSending',
      outcome: 'notSent',
    })
    const early = new AbortController()
    await expect(
      stage.client.submit({ chain, signedTx }, { signal: early.signal, onProgress: () => early.abort() }),
    ).rejects.toMatchObject({ errorName: 'abortedBeforeSending', outcome: 'notSent' })
    expect(stage.broadcasters[0]!.asked).toHaveLength(0)

    const late = new AbortController()
    const result = stage.client.submit({ chain, signedTx }, { signal: late.signal })
    await stage.broadcasters[0]!.had(1)
    late.abort()
    await expect(result).rejects.toMatchObject({ errorName: 'aborted', outcome: 'unknown' })
  })

  it('error: aborted by who is told of a stage; nothing is said or told afterwards', async () => {
    const { hash, chain, signedTx } = await signTransfer()
    stage = await setStage([(asked) => asked.state(accepted, 1)], {}, hash)
    const abort = new AbortController()
    const result = stage.client.submit(
      { chain, signedTx },
      {
        signal: abort.signal,
        onProgress(event) {
          stage.onProgress(event)
          if (event.stage === 'accepted') abort.abort()
        },
      },
    )
    await expect(result).rejects.toMatchObject({ errorName: 'aborted', outcome: 'unknown' })
    await new Promise((resolve) => setTimeout(resolve, 2 * quick.maxRepeatMs))
    expect(stages()).toEqual(['sending', 'accepted'])
    expect(stage.broadcasters[0]!.asked).toHaveLength(1)
  })

  it('error: stopped while it waited', async () => {
    const { hash, chain, signedTx } = await signTransfer()
    stage = await setStage([silent], {}, hash)
    const result = stage.client.submit({ chain, signedTx })
    result.catch(silent)
    await stage.broadcasters[0]!.had(1)
    await stage.client.stop()
    await expect(result).rejects.toMatchObject({ errorName: 'clientStopped', outcome: 'unknown' })
    await expect(stage.client.submit({ chain, signedTx })).rejects.toMatchObject({ errorName: 'notStarted' })
    await stage.client.start()
    stage.broadcasters[0]!.does(goes(accepted, included))
    expect((await stage.client.submit({ chain, signedTx })).stage).toBe('included')
  })

  it('error: notSent only if the mixnet never took anything', async () => {
    const { hash, chain, signedTx } = await signTransfer()
    stage = await setStage([silent], {}, hash)
    stage.loopback.set({ unreachable: true })
    await expect(stage.client.submit({ chain, signedTx }, { timeoutMs: 150 })).rejects.toMatchObject({
      errorName: 'mixnetUnavailable',
      outcome: 'notSent',
      cause: { kind: 'unreachable' },
    })
    stage.loopback.set({})
    await expect(
      stage.client.submit(
        { chain, signedTx },
        {
          timeoutMs: 300,
          onProgress: ({ stage: said }) => said === 'repeating' && stage.loopback.set({ unreachable: true }),
        },
      ),
    ).rejects.toMatchObject({ errorName: 'replyTimeout', outcome: 'unknown' })
  })

  it('error: so many wait already', async () => {
    const { hash, chain, signedTx } = await signTransfer()
    stage = await setStage([silent], { timing: patient }, hash)
    const waiting = Array.from({ length: 1024 }, () =>
      stage.client.submit({ chain, signedTx }).catch((error) => error),
    )
    await expect(stage.client.submit({ chain, signedTx })).rejects.toMatchObject({
      errorName: 'tooManyPending',
      outcome: 'notSent',
    })
    await stage.client.stop()
    for (const error of await Promise.all(waiting))
      expect(error).toMatchObject({ errorName: 'clientStopped' })
  })

  it("behavior: a callback that throws is the log's affair", async () => {
    const { hash, chain, signedTx } = await signTransfer()
    stage = await setStage([goes(accepted, included)], {}, hash)
    await stage.client.submit(
      { chain, signedTx },
      {
        onProgress: () => {
          throw new Error('mine')
        },
      },
    )
    expect(stage.warnings).toContain('onProgress threw.')
  })
})
