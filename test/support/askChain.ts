import { errorNameOf } from '@veilcast/shared/errors'
import type { ReadAnswer } from '@veilcast/shared/protocol'
import type { ChainAdapter } from '../../broadcaster/dist/chains/ChainAdapter.js'

/** One read, and what it came to in words: a result, `['reverted', data]`, or the error's name and its values. */
export async function askChain(
  adapter: Pick<ChainAdapter, 'query'>,
  method: string,
  params: unknown = [],
): Promise<unknown> {
  const { answers } = await adapter.query([{ method, params }])
  return shown(answers[0]!)
}

export function shown(answer: ReadAnswer): unknown {
  switch (answer.kind) {
    case 'result':
      return JSON.parse(Buffer.from(answer.result).toString())
    case 'reverted':
      return ['reverted', `0x${Buffer.from(answer.data).toString('hex')}`]
    case 'failed':
      return [errorNameOf(answer.error.number), ...answer.error.values]
  }
}

/** The name of the error that a read came to; throws where it came to an answer. */
export async function readError(
  adapter: Pick<ChainAdapter, 'query'>,
  method: string,
  params: unknown = [],
): Promise<string | undefined> {
  const [answer] = (await adapter.query([{ method, params }])).answers
  if (answer?.kind !== 'failed') throw new Error(`It was answered: ${answer?.kind}.`)
  return errorNameOf(answer.error.number)
}
