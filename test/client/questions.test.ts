import { afterEach, describe, expect, it } from '@jest/globals'
import { wireError } from '@veilcast/shared/errors'
import type { ChainId, InfoReply, ReadAnswer, ReadRequest } from '@veilcast/shared/protocol'
import { failure, patient, quick, results, type Stage, setStage, silent } from '../support/client.ts'

const served: InfoReply = {
  kind: 'info',
  now: 1_800_000_000,
  maxNotAfterSeconds: 86_400,
  retentionSeconds: 86_400,
  durability: 'replicated',
  chains: [
    {
      chain: 'eip155:1' as ChainId,
      family: 'evm',
      live: true,
      finality: 'finalized',
      confirmations: 0,
      maxTransactionBytes: 131_072,
      height: 20_000_000n,
    },
  ],
}
const json = (value: unknown): ReadAnswer => ({
  kind: 'result',
  result: new TextEncoder().encode(JSON.stringify(value)),
})

let stage: Stage
afterEach(() => stage?.close())

describe('info', () => {
  it('default: the first that answers says what it serves', async () => {
    stage = await setStage([silent, (asked) => asked.answer(served)], { timing: quick })
    const { kind: _, ...expected } = served
    expect(await stage.client.info()).toMatchObject({ ...expected, broadcaster: 1, messages: { sent: 4 } })
  })

  it('behavior: one broadcaster by its index, in one packet', async () => {
    stage = await setStage([silent, (asked) => asked.answer(served)], { timing: patient })
    expect(await stage.client.info({ broadcaster: 1 })).toMatchObject({
      broadcaster: 1,
      messages: { sent: 1, surbs: 3, packetsUp: 1 },
    })
    expect(stage.broadcasters[0]!.asked).toHaveLength(0)
  })

  it('error: no answer in time, and nothing was submitted', async () => {
    stage = await setStage([silent])
    await expect(stage.client.info({}, { timeoutMs: 1_000 })).rejects.toMatchObject({
      errorName: 'replyTimeout',
      outcome: 'notSent',
    })
  })
})

describe('read', () => {
  const balance = { chain: 'eip155:1', method: 'eth_getBalance', params: ['0x00', 'latest'] } as const

  it('default: the JSON that the chain answered', async () => {
    stage = await setStage([(asked) => asked.answer(results(json('0x1')))])
    expect(await stage.client.read(balance)).toBe('0x1')
    const body = stage.broadcasters[0]!.asked[0]!.request.body as ReadRequest
    expect(body).toMatchObject({ kind: 'read', chain: 'eip155:1', reads: [{ method: 'eth_getBalance' }] })
    expect(JSON.parse(new TextDecoder().decode(body.reads[0]!.params))).toEqual(balance.params)
  })

  it('behavior: asks once more with the SURBs that a long answer needs', async () => {
    const long = 'x'.repeat(9_000)
    stage = await setStage(
      [
        (asked) =>
          asked.request.surbs < 6
            ? asked.answer(
                results({
                  kind: 'failed',
                  error: wireError('answerTooLarge', { sizeBytes: 9_020, limitBytes: 4_555 }),
                }),
              )
            : asked.answer(results(json(long))),
      ],
      { timing: patient },
    )
    expect(await stage.client.read(balance)).toBe(long)
    await expect(stage.client.read({ ...balance, maxResultBytes: 9_000 })).rejects.toMatchObject({
      errorName: 'answerTooLarge',
    })
  })

  it('error: what the broadcaster does not answer, and what is no JSON', async () => {
    stage = await setStage([(asked) => asked.answer(failure('methodNotAllowed'))], { timing: patient })
    await expect(stage.client.read(balance)).rejects.toMatchObject({
      errorName: 'methodNotAllowed',
      code: 4200,
    })
    stage.broadcasters[0]!.does((asked) =>
      asked.answer(results({ kind: 'result', result: Uint8Array.of(0xff) })),
    )
    await expect(stage.client.read(balance)).rejects.toMatchObject({
      errorName: 'readFailed',
      outcome: 'notSent',
    })
  })
})
