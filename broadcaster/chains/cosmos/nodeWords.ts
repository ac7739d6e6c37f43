import { JsonRpcProblem } from '../endpoints/jsonRpc.ts'

const maxNodeWordsChars = 8_192

/**
 * What the node's own error says, or nothing for any other error. CometBFT tells its errors apart in words only, in
 * `data`. They are matched, and go nowhere.
 */
export function nodeWords(error: unknown): string {
  if (!(error instanceof JsonRpcProblem) || error.kind !== 'rpcError') return ''
  const { nodeData, nodeMessage } = error
  return typeof nodeData === 'string' ? nodeData.slice(0, maxNodeWordsChars) : nodeMessage
}

/** Null where the node answers with an error that says so. */
export async function orNullWhere<T>(pattern: RegExp, answer: Promise<T>): Promise<T | null> {
  try {
    return await answer
  } catch (error) {
    if (pattern.test(nodeWords(error))) return null
    throw error
  }
}
