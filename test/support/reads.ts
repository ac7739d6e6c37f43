import { jest } from '@jest/globals'
import { wireError } from '@veilcast/shared/errors'
import { encodeReadAnswers, type ReadAnswer, type ReplyBody } from '@veilcast/shared/protocol'
import type { Asked } from './client.ts'

/** What a scripted broadcaster was asked, and how it answers. */

export interface AskedRead {
  readonly method: string
  readonly params: unknown
}

export function readsOf({ request: { body } }: Asked): AskedRead[] {
  if (body.kind !== 'read') throw new Error(`It was a ${body.kind}.`)
  return body.reads.map(({ method, params }) => ({
    method,
    params: JSON.parse(new TextDecoder().decode(params)),
  }))
}

export const json = (value: unknown): ReadAnswer => ({
  kind: 'result',
  result: new TextEncoder().encode(JSON.stringify(value)),
})

export const failed = (...error: Parameters<typeof wireError>): ReadAnswer => ({
  kind: 'failed',
  error: wireError(...error),
})

export interface Told {
  readonly height?: bigint
  readonly freshMs?: number
}

export function resultsOf(
  answers: readonly ReadAnswer[],
  { height = 12n, freshMs = 0 }: Told = {},
): ReplyBody {
  return { kind: 'results', packing: 'plain', answers: encodeReadAnswers({ height, freshMs, answers }) }
}

/** Answers each read of a message by itself. */
export function answering(answer: (read: AskedRead, asked: Asked) => ReadAnswer, told: Told = {}) {
  return (asked: Asked) =>
    asked.answer(
      resultsOf(
        readsOf(asked).map((read) => answer(read, asked)),
        told,
      ),
    )
}

/** Moves `performance.now()` ahead; timers go on as they are. */
export function startClock() {
  const real = performance.now.bind(performance)
  let aheadMs = 0
  const spy = jest.spyOn(performance, 'now').mockImplementation(() => real() + aheadMs)
  return {
    skip(ms: number) {
      aheadMs += ms
    },
    stop: () => spy.mockRestore(),
  }
}
