import { afterEach, describe, expect, it } from '@jest/globals'
import { wireError } from '@veilcast/shared/errors'
import {
  type Asked,
  accepted,
  failure,
  final,
  included,
  patient,
  quick,
  type Stage,
  setStage,
  signTransfer,
  silent,
  submitted,
} from '../support/client.ts'

const submitId = 'ab'.repeat(16)
let stage: Stage
afterEach(() => stage?.close())

describe('status', () => {
  it('default: what is known now, asked under an id of its own', async () => {
    const { hash, txId } = await signTransfer()
    stage = await setStage([(asked) => asked.state(submitted, 3)], {}, hash)
    const receipt = await stage.client.status({ submitId, chain: 'eip155:1', txId })
    expect(receipt).toMatchObject({
      txId,
      stage: 'submitted',
      ok: undefined,
      requestId: submitId,
      broadcaster: 0,
    })
    const { request } = stage.broadcasters[0]!.asked[0]!
    expect(request.body).toMatchObject({
      kind: 'status',
      until: 'accepted',
      submitId: Buffer.from(submitId, 'hex'),
    })
    expect(Buffer.from(request.id).toString('hex')).not.toBe(submitId)
  })

  it('behavior: waits as far as it is told, and takes the txId as it comes where none is given', async () => {
    const { hash, txId } = await signTransfer()
    stage = await setStage(
      [
        (asked) => {
          asked.state(accepted, 1)
          asked.state(included, 2)
          asked.state(final, 3)
        },
      ],
      {},
      hash,
    )
    expect(await stage.client.status({ submitId, until: 'final' })).toMatchObject({ stage: 'final', txId })
  })

  it('behavior: the answer has to be about the transaction that is meant', async () => {
    const { hash, chain, signedTx } = await signTransfer()
    const other = await signTransfer(8)
    stage = await setStage(
      [(asked) => asked.state(final, 1, asked.count === 1 ? { txId: other.hash } : {})],
      { timing: quick },
      hash,
    )
    const receipt = await stage.client.status({ submitId, chain, signedTx })
    expect(receipt.messages.sent).toBe(2)
    expect(stage.client.ignored.unfit).toBe(1)
  })

  it('behavior: asks each broadcaster until one knows it', async () => {
    const { hash } = await signTransfer()
    const knowsNothing = (asked: Asked) => asked.answer(failure('unknownRequest'))
    stage = await setStage([knowsNothing, (asked) => asked.state(final, 1)], { timing: patient }, hash)
    expect(await stage.client.status({ submitId })).toMatchObject({ broadcaster: 1, stage: 'final' })
    await expect(stage.client.status({ submitId, broadcaster: 0 })).rejects.toMatchObject({
      errorName: 'unknownRequest',
      outcome: 'unknown',
    })
  })

  it('error: ends reject as the submit would have', async () => {
    const { hash } = await signTransfer()
    const refused = { stage: 'refused', error: wireError('insufficientFunds') } as const
    stage = await setStage([(asked) => asked.state(refused, 2), silent], {}, hash)
    // With several broadcasters one of them cannot speak for all.
    await expect(stage.client.status({ submitId })).rejects.toMatchObject({
      errorName: 'insufficientFunds',
      outcome: 'unknown',
    })
    await stage.close()
    stage = await setStage([(asked) => asked.state(refused, 2)], {}, hash)
    await expect(stage.client.status({ submitId })).rejects.toMatchObject({
      errorName: 'insufficientFunds',
      outcome: 'notSent',
    })
  })

  it('error: what cannot be asked leaves the outcome open', async () => {
    stage = await setStage([silent])
    stage.loopback.set({ unreachable: true })
    await expect(stage.client.status({ submitId }, { timeoutMs: 1_000 })).rejects.toMatchObject({
      errorName: 'mixnetUnavailable',
      outcome: 'unknown',
    })
    await expect(stage.client.status({ submitId }, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      outcome: 'unknown',
    })
  })
})
