import { Bech32PrefixResponse } from 'cosmjs-types/cosmos/auth/v1beta1/query'
import { z } from 'zod'
import { cosmosChainOf } from '../chains/cosmos/config.ts'
import { fetchJson, fetchJsonRpc, JsonRpcProblem } from '../chains/endpoints/jsonRpc.ts'

/** What a node says of itself. */
export interface NodeIdentity {
  /** CAIP-2 */
  readonly chain: string
  /** The same for each node of a chain, and for no other chain; undefined where it does not tell. */
  readonly genesis?: string | undefined
  /** The node's own name, where it has one. */
  readonly nodeId?: string | undefined
  /** The chain id as it is signed, of a Cosmos chain. */
  readonly cometChainId?: string
  readonly bech32Prefix?: string | undefined
}

/** It gave no usable answer. The text says which, and no word of the node's or of its URL. */
export class NodeAway extends Error {
  override readonly name = 'NodeAway'
}

export interface NodeAddress {
  readonly url: string
  readonly headers?: Readonly<Record<string, string>> | undefined
}

const timeoutMs = 5_000
const quantity = z.string().regex(/^0x[0-9a-fA-F]{1,64}$/)
const block = z.object({ hash: z.string().regex(/^0x[0-9a-fA-F]{64}$/) })
const status = z.object({
  node_info: z.object({
    id: z
      .string()
      .regex(/^[0-9a-fA-F]{40}$/)
      .optional()
      .catch(undefined),
    network: z.string().min(1).max(50),
  }),
})
const queried = z.object({ response: z.object({ value: z.string().max(256).nullish() }) })
const nodeInfo = z.object({ default_node_info: z.object({ network: z.string().max(50) }) })

/** Asks a node of either family which chain it is on. @throws NodeAway; the signal's reason */
export async function askNode(node: NodeAddress, signal?: AbortSignal): Promise<NodeIdentity> {
  const ask = (method: string, params: unknown): Promise<unknown> =>
    fetchJsonRpc(node.url, method, params, { timeoutMs, headers: node.headers, signal })
  const [evm, comet] = await Promise.allSettled([ask('eth_chainId', []), ask('status', {})])
  signal?.throwIfAborted()
  const chainId = quantity.safeParse(evm.status === 'fulfilled' ? evm.value : undefined)
  if (chainId.success) {
    const genesis = await ask('eth_getBlockByNumber', ['0x0', false]).catch(() => undefined)
    signal?.throwIfAborted()
    return { chain: `eip155:${BigInt(chainId.data)}`, genesis: block.safeParse(genesis).data?.hash }
  }
  const parsed = status.safeParse(comet.status === 'fulfilled' ? comet.value : undefined)
  if (!parsed.success) throw new NodeAway(whyAway([evm, comet]))
  const { id, network } = parsed.data.node_info
  return {
    chain: cosmosChainOf(network),
    cometChainId: network,
    nodeId: id?.toLowerCase(),
    bech32Prefix: await askPrefix(ask),
  }
}

/** The chain id of an SDK's REST API. @throws NodeAway; the signal's reason */
export async function askRestNode(node: NodeAddress, signal?: AbortSignal): Promise<string> {
  const url = new URL(node.url)
  url.pathname = `${url.pathname.replace(/\/$/, '')}/cosmos/base/tendermint/v1beta1/node_info`
  try {
    const options = { timeoutMs, headers: node.headers, signal }
    const { status, body } = await fetchJson(url.href, { method: 'GET' }, options)
    const parsed = nodeInfo.safeParse(body)
    if (parsed.success) return parsed.data.default_node_info.network
    throw new NodeAway(`answers with HTTP status ${status}, and not as an SDK's REST API`)
  } catch (error) {
    signal?.throwIfAborted()
    throw error instanceof JsonRpcProblem ? new NodeAway(wordsOf(error)) : error
  }
}

async function askPrefix(
  ask: (method: string, params: unknown) => Promise<unknown>,
): Promise<string | undefined> {
  const path = '/cosmos.auth.v1beta1.Query/Bech32Prefix'
  const answer = queried.safeParse(
    await ask('abci_query', { path, data: '', height: '0', prove: false }).catch(() => undefined),
  )
  const value = answer.data?.response.value
  if (!value) return undefined
  try {
    const { bech32Prefix } = Bech32PrefixResponse.decode(Buffer.from(value, 'base64'))
    return /^[a-z][a-z0-9]{0,19}$/.test(bech32Prefix) ? bech32Prefix : undefined
  } catch {
    return undefined
  }
}

/** What tells most of two questions that failed. */
function whyAway(answers: readonly PromiseSettledResult<unknown>[]): string {
  const problems = answers
    .map((answer) => (answer.status === 'rejected' ? answer.reason : undefined))
    .filter((reason) => reason instanceof JsonRpcProblem)
  const problem = problems.find(({ kind }) => kind !== 'unreachable' && kind !== 'rpcError') ?? problems[0]
  const answered = answers.some(({ status }) => status === 'fulfilled')
  if (problem && problem.kind !== 'rpcError') return wordsOf(problem)
  return answered
    ? wordsOf(new JsonRpcProblem('notJson'))
    : 'answers eth_chainId and status with errors: is a key missing, or is this no RPC of a chain?'
}

function wordsOf({ kind, code }: JsonRpcProblem): string {
  switch (kind) {
    case 'unreachable':
      return 'does not answer'
    case 'httpStatus':
      return code === 401 || code === 403
        ? `refuses us with HTTP status ${code}: is the key in its URL or headers right?`
        : `answers with HTTP status ${code}`
    case 'rateLimited':
      return 'answers that too much is asked of it (429)'
    default:
      return 'answers, and not as a node does: is this the address of its RPC?'
  }
}
