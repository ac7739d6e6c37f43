import { wireError } from '@veilcast/shared/errors'
import { maxReadResultBytes, type ReadAnswer } from '@veilcast/shared/protocol'
import { ReadRefused } from '../ChainAdapter.ts'

/** As JSON in UTF-8, where it is not too long. */
export function resultAnswer(value: unknown): ReadAnswer {
  const result = new TextEncoder().encode(JSON.stringify(value ?? null))
  return result.length > maxReadResultBytes ? tooLarge(result.length) : { kind: 'result', result }
}

export function tooLarge(sizeBytes: number): ReadAnswer {
  return {
    kind: 'failed',
    error: wireError('answerTooLarge', { sizeBytes, limitBytes: maxReadResultBytes }),
  }
}

/** Codes of JSON-RPC are negative; values on the wire are not. */
export function readFailed(code: number | undefined): ReadAnswer {
  return { kind: 'failed', error: wireError('readFailed', { code: Math.abs(code ?? 0) }) }
}

export const noLiveEndpoint: ReadAnswer = { kind: 'failed', error: wireError('noLiveEndpoint') }
export const notAllowed: ReadAnswer = { kind: 'failed', error: wireError('methodNotAllowed') }

export function refuseMethod(): ReadRefused {
  return new ReadRefused(wireError('methodNotAllowed'))
}

export function refuseParams(): ReadRefused {
  return new ReadRefused(wireError('invalidParams'))
}
