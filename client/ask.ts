import type { ReplyBody, RequestBody } from '@veilcast/shared/protocol'
import {
  type ConverseOptions,
  converse,
  type Heard,
  type Line,
  newQuestion,
  type Question,
} from './converse.ts'
import { judgeFailure } from './judgeFailure.ts'

export const onlyAsked = 'It was a question only: nothing was submitted.'

export interface Answer<T> {
  readonly body: T
  readonly broadcaster: number
  /** From the first message to that broadcaster to its answer. */
  readonly roundTripMs: number
}

/** One question that is about no transaction of ours, and its one answer of this kind. */
export function ask<K extends 'info' | 'results'>(
  line: Line,
  question: { readonly body: RequestBody; readonly neededSurbs: number; readonly answer: K },
  options: ConverseOptions,
): Promise<Answer<Extract<ReplyBody, { kind: K }>>> {
  type Body = Extract<ReplyBody, { kind: K }>
  const questions = new Map<number, Question>()

  return converse<Answer<Body>>(
    line,
    {
      compose(broadcaster) {
        const asked = questions.get(broadcaster) ?? newQuestion()
        questions.set(broadcaster, asked)
        return { question: asked, body: question.body, neededSurbs: question.neededSurbs }
      },
      hear(broadcaster, asked, { body }): Heard<Answer<Body>> {
        if (body.kind === 'failure') return judgeFailure({ ...body.error, outcome: 'notSent' })
        if (body.kind !== question.answer) return { kind: 'ignored' }
        const roundTripMs = performance.now() - asked.sentAtMs
        return { kind: 'done', value: { body: body as Body, broadcaster, roundTripMs } }
      },
      mayOpen: () => true,
      inCharge: () => false,
      said: () => undefined,
      lastWord: (error) => error,
      outcome: { before: 'notSent', after: 'notSent' },
      details: () => onlyAsked,
    },
    options,
  )
}
