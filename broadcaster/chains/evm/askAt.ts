import { maxCallRevertBytes } from '@veilcast/shared/protocol'
import { batchForWallet, maxWalletAnswerBytes } from '../endpoints/createRpcCaller.ts'
import type { EndpointPool } from '../endpoints/EndpointPool.ts'
import { type JsonRpcAnswer, JsonRpcProblem } from '../endpoints/jsonRpc.ts'
import { notAllowed, readFailed, resultAnswer, tooLarge } from '../reads/answerAs.ts'
import type { AskParts, Elsewhere } from '../reads/askReads.ts'
import type { Asked } from '../reads/createChainReads.ts'
import type { HeadFollower } from '../reads/followHead.ts'
import { classifyCallError } from './classifyError.ts'
import { type EvmClient, isMethodUnknown } from './EvmClient.ts'
import type { EvmCall } from './reads.ts'
import { revertDataIn } from './revertData.ts'

export function evmAskParts(
  pool: EndpointPool<EvmClient>,
  follower: HeadFollower<EvmClient>,
): AskParts<EvmClient, EvmCall> {
  return {
    pool,
    follower,
    async askAt(client, calls, isOfHead, signal) {
      const written = calls.map(({ method, params }) => ({ method, params }))
      const answers = await batchForWallet(client, written, signal)
      return calls.map((call, index) => {
        const answer = answers[index]
        return answer === 'tooLarge'
          ? { answer: tooLarge(maxWalletAnswerBytes), lasting: true }
          : read(call, answer, isOfHead)
      })
    },
    byOwnNewest: (call) => (call.byTag ? { ...call, params: call.byTag, hasBlock: false } : undefined),
  }
}

/** @param isOfHead whether the endpoint has the newest block for sure @throws JsonRpcProblem */
function read(call: EvmCall, answer: JsonRpcAnswer | undefined, isOfHead: boolean): Asked | Elsewhere {
  if (!answer) throw new JsonRpcProblem('notJson')
  if (!answer.ok) return readError(call, answer.problem)
  const { result } = answer
  if (result === null && call.hasBlock) {
    return { why: 'noBlock', else: { answer: resultAnswer(null), lasting: false } }
  }
  return { answer: resultAnswer(result), lasting: isLasting(call, result, isOfHead) }
}

function isLasting(call: EvmCall, result: unknown, isOfHead: boolean): boolean {
  if (!call.isLookup) return true
  // A node that is a block late does not have it yet; one that waits in a pool is there or not from one moment to the next.
  if (result === null) return isOfHead && call.method === 'eth_getTransactionReceipt'
  return call.method !== 'eth_getTransactionByHash' || (result as { blockHash?: unknown }).blockHash != null
}

function readError(call: EvmCall, problem: JsonRpcProblem): Asked | Elsewhere {
  if (problem.kind !== 'rpcError') throw problem
  if (isMethodUnknown(problem)) return { why: 'method', else: { answer: notAllowed, lasting: false } }
  if (call.runs) {
    const data = revertDataIn(problem)
    if (data) {
      return { answer: { kind: 'reverted', data: data.slice(0, maxCallRevertBytes) }, lasting: true }
    }
    const error = classifyCallError(problem, call.nonce)
    if (error) return { answer: { kind: 'failed', error }, lasting: false }
  }
  const failed = { answer: readFailed(problem.code), lasting: false }
  return isBlockUnknown(problem) ? { why: 'noBlock', else: failed } : failed
}

/**
 * geth, reth, erigon: header, block or state that is not there; Nethermind: resource, state; besu: block, world state; anvil:
 * BlockOutOfRange.
 */
function isBlockUnknown({ nodeMessage }: JsonRpcProblem): boolean {
  return /(header|block|state|resource|root).{0,80}(not found|not available|unavailable|out of range|does not exist|missing|beyond)|unknown block|missing trie node|BlockOutOfRange|No state available/i.test(
    nodeMessage,
  )
}
