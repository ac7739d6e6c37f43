import { JsonRpcProblem } from '../endpoints/jsonRpc.ts'

/** Null where the node answers with an error that says so; CometBFT gives no code of its own, only words, in `data`. */
export async function orNullWhere<T>(pattern: RegExp, answer: Promise<T>): Promise<T | null> {
  try {
    return await answer
  } catch (error) {
    if (saysOf(error, pattern)) return null
    throw error
  }
}

/** Whether an error is the node's own and its words match. They are matched, and go nowhere. */
export function saysOf(error: unknown, pattern: RegExp): boolean {
  if (!(error instanceof JsonRpcProblem) || error.kind !== 'rpcError') return false
  const { nodeData } = error
  return (
    pattern.test(error.nodeMessage) || (typeof nodeData === 'string' && pattern.test(nodeData.slice(0, 1024)))
  )
}
