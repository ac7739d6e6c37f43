import { batchForWallet, maxWalletAnswerBytes } from '../endpoints/createRpcCaller.ts'
import type { EndpointPool } from '../endpoints/EndpointPool.ts'
import { EndpointProblem } from '../endpoints/EndpointProblem.ts'
import { type HttpAnswer, type JsonRpcAnswer, JsonRpcProblem } from '../endpoints/jsonRpc.ts'
import { notAllowed, readFailed, resultAnswer, tooLarge } from '../reads/answerAs.ts'
import type { AskParts, Elsewhere } from '../reads/askReads.ts'
import type { Asked } from '../reads/createChainReads.ts'
import type { HeadFollower } from '../reads/followHead.ts'
import type { CometNode } from './cometNode.ts'
import type { CosmosCall } from './reads.ts'
import type { RestNode } from './restNode.ts'
import { withoutNodeInfo } from './withoutNode.ts'

type RpcCall = Extract<CosmosCall, { kind: 'rpc' }>
type RestCall = Extract<CosmosCall, { kind: 'rest' }>

export function rpcAskParts(
  pool: EndpointPool<CometNode>,
  follower: HeadFollower<CometNode>,
): AskParts<CometNode, RpcCall> {
  return {
    pool,
    follower,
    async askAt(node, calls, _isOfHead, signal) {
      const written = calls.map(({ method, params }) => ({ method, params }))
      const answers = await batchForWallet(node.raw, written, signal)
      return calls.map((call, index) => {
        const answer = answers[index]
        return answer === 'tooLarge'
          ? { answer: tooLarge(maxWalletAnswerBytes), lasting: true }
          : read(call, answer)
      })
    },
    byOwnNewest: ({ byOwnNewest, ...call }) =>
      byOwnNewest ? { ...call, params: byOwnNewest, byOwnNewest: undefined } : undefined,
  }
}

/** The REST API takes one question a request. */
export function restAskParts(
  pool: EndpointPool<CometNode>,
  follower: HeadFollower<CometNode>,
): AskParts<CometNode, RestCall> {
  return {
    pool,
    follower,
    askAt: ({ rest }, calls, _isOfHead, signal) => {
      if (!rest) throw new EndpointProblem('none')
      return Promise.all(calls.map((call) => askRest(rest, call, signal)))
    },
    byOwnNewest: (call) => (call.height === undefined ? undefined : { ...call, height: undefined }),
    among: ({ rest }) => rest !== undefined,
  }
}

/** @throws JsonRpcProblem */
function read(call: RpcCall, answer: JsonRpcAnswer | undefined): Asked | Elsewhere {
  if (!answer) throw new JsonRpcProblem('notJson')
  if (!answer.ok) return readError(answer.problem)
  const { result } = answer
  if (call.method === 'abci_query' && isHeightUnknown(result)) {
    return { why: 'noBlock', else: { answer: resultAnswer(result), lasting: false } }
  }
  return { answer: resultAnswer(result), lasting: !call.isLookup || isFound(result) }
}

/** An index is written after its block. */
function isFound(result: unknown): boolean {
  const { total_count, block, header } = (result ?? {}) as Record<string, unknown>
  return total_count !== '0' && block !== null && header !== null
}

/** The SDK's ErrInvalidHeight. */
const invalidHeight = 26

function isHeightUnknown(result: unknown): boolean {
  const { response } = (result ?? {}) as { response?: { code?: unknown; codespace?: unknown } }
  return response?.code === invalidHeight && response.codespace === 'sdk'
}

function readError(problem: JsonRpcProblem): Asked | Elsewhere {
  if (problem.kind !== 'rpcError') throw problem
  if (problem.code === -32601) return { why: 'method', else: { answer: notAllowed, lasting: false } }
  const failed = { answer: readFailed(problem.code), lasting: false }
  const said = `${problem.nodeMessage} ${typeof problem.nodeData === 'string' ? problem.nodeData : ''}`
  return /height|block.{0,40}(not found|not available)|could not find results/i.test(said)
    ? { why: 'noBlock', else: failed }
    : failed
}

/** @throws JsonRpcProblem, EndpointProblem */
async function askRest(
  node: RestNode,
  { rest, height }: RestCall,
  signal: AbortSignal,
): Promise<Asked | Elsewhere> {
  let answer: HttpAnswer
  try {
    const options = { signal, maxResponseBytes: maxWalletAnswerBytes }
    answer = await node.ask(rest.request, height, options)
  } catch (error) {
    if (!(error instanceof JsonRpcProblem)) throw error
    if (error.kind === 'tooLarge') return { answer: tooLarge(maxWalletAnswerBytes), lasting: true }
    // A page of a proxy in front of it: another node may do better.
    throw new EndpointProblem(error.trouble === 'rateLimited' ? 'rateLimited' : 'none')
  }
  const { status, body } = answer
  if (status >= 200 && status <= 299) {
    if (!rest.isNodeInfo) return { answer: resultAnswer({ status, body }), lasting: true }
    const info = withoutNodeInfo(body)
    return {
      answer: info === undefined ? readFailed(0) : resultAnswer({ status, body: info }),
      lasting: info !== undefined,
    }
  }
  const error = gatewayError(body, node.secrets)
  if (!error) {
    if (status >= 500) throw new EndpointProblem('none')
    return { answer: readFailed(status), lasting: false }
  }
  const told = { answer: resultAnswer({ status, body: error }), lasting: status < 500 && !rest.isLookup }
  return /invalid height|height in the future|height is not available/i.test(error.message)
    ? { why: 'noBlock', else: told }
    : told
}

const maxMessageChars = 512

/**
 * What the gRPC gateway says of a query that failed, in the application's words: that there is no such account, that a simulated
 * transaction runs out of gas. Words that hold a part of the node's URL are left out.
 */
function gatewayError(body: unknown, secrets: readonly string[]) {
  const { code, message } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>
  if (typeof code !== 'number' || !Number.isInteger(code) || code < 0 || code > 16) return undefined
  if (typeof message !== 'string') return undefined
  const isClean = !secrets.some((secret) => message.includes(secret))
  return { code, message: isClean ? message.slice(0, maxMessageChars) : '', details: [] }
}
