import { randomBytes } from 'node:crypto'
import type { WebSocket } from 'ws'
import { answerJsonRpc, type Call } from './answerJsonRpc.ts'
import { RpcFault } from './describeError.ts'
import { maxSubscriptionsPerSocket, maxUnsentBytes } from './limits.ts'
import { followBlocks, type Head } from './newBlocks.ts'
import type { CosmosNode, EvmNode, Node } from './nodes.ts'
import type { Performer } from './performCall.ts'

/** Subscriptions and what ends them, by the name that the chain's family gives them. */
type Subscriptions = Map<string, { stop(): void }>

/** Speaks with one websocket until it ends: JSON-RPC, and what it subscribes to. */
export function serveSocket(socket: WebSocket, node: Node, performer: Performer, head: Head): void {
  const gone = new AbortController()
  const subscriptions: Subscriptions = new Map()
  const tell = (message: object) => {
    if (socket.readyState !== socket.OPEN) return
    if (socket.bufferedAmount > maxUnsentBytes) socket.terminate()
    else socket.send(JSON.stringify(message))
  }
  const end = () => {
    gone.abort()
    for (const subscription of subscriptions.values()) subscription.stop()
    subscriptions.clear()
  }
  socket.on('close', end)
  socket.on('error', end)
  socket.on('message', async (bytes) => {
    /** A subscription speaks only after the answer that names it. */
    const afterwards: (() => void)[] = []
    const perform = async (call: Call): Promise<unknown> => {
      const special =
        node.family === 'evm'
          ? callEvm(node.node, call, subscriptions, tell, afterwards)
          : callComet(node.node, head, call, subscriptions, tell, afterwards)
      return special ? special.result : performer.call(node, call, gone.signal)
    }
    const answer = await answerJsonRpc(bytes.toString(), perform, node.family)
    if (answer) tell(answer)
    for (const start of afterwards) if (!gone.signal.aborted) start()
  })
}

interface Special {
  readonly result: unknown
}

function callEvm(
  node: EvmNode,
  { method, params }: Call,
  subscriptions: Subscriptions,
  tell: (message: object) => void,
  afterwards: (() => void)[],
): Special | undefined {
  const [first, filter] = Array.isArray(params) ? params : []
  if (method === 'eth_unsubscribe') {
    const subscription = subscriptions.get(String(first))
    subscription?.stop()
    return { result: subscriptions.delete(String(first)) }
  }
  if (method !== 'eth_subscribe') return undefined
  if (first !== 'newHeads' && first !== 'logs')
    throw new RpcFault(-32602, 'Invalid params: newHeads and logs can be subscribed to.')
  if (filter !== undefined && (typeof filter !== 'object' || filter === null))
    throw new RpcFault(-32602, 'Invalid params: a filter is an object.')
  room(subscriptions)
  const id = `0x${randomBytes(16).toString('hex')}`
  const hear = (result: unknown) =>
    tell({ jsonrpc: '2.0', method: 'eth_subscription', params: { subscription: id, result } })
  // Until it starts there is nothing to stop, but its place is taken.
  subscriptions.set(id, { stop: () => undefined })
  afterwards.push(() => {
    if (subscriptions.has(id)) subscriptions.set(id, node.subscribe(first, filter, hear))
  })
  return { result: id }
}

function callComet(
  node: CosmosNode,
  head: Head,
  { method, params, id }: Call,
  subscriptions: Subscriptions,
  tell: (message: object) => void,
  afterwards: (() => void)[],
): Special | undefined {
  if (method === 'unsubscribe_all') {
    for (const subscription of subscriptions.values()) subscription.stop()
    subscriptions.clear()
    return { result: {} }
  }
  if (method !== 'subscribe' && method !== 'unsubscribe') return undefined
  const query = queryOf(params)
  const known = subscriptions.get(query)
  if (method === 'unsubscribe') {
    if (!known) throw new RpcFault(-32603, 'Internal error: there is no such subscription.')
    known.stop()
    subscriptions.delete(query)
    return { result: {} }
  }
  if (!/^tm\.event ?= ?'NewBlock'$/.test(query))
    throw new RpcFault(-32602, "Invalid params: tm.event='NewBlock' alone can be subscribed to.")
  if (known) throw new RpcFault(-32603, 'Internal error: this is subscribed to already.')
  room(subscriptions)
  subscriptions.set(query, { stop: () => undefined })
  afterwards.push(() => {
    if (!subscriptions.has(query)) return
    const hear = (data: object) =>
      tell({ jsonrpc: '2.0', id: id ?? null, result: { query, data, events: newBlockEvents } })
    subscriptions.set(query, followBlocks(node, head, hear))
  })
  return { result: {} }
}

const newBlockEvents = { 'tm.event': ['NewBlock'] }

function queryOf(params: unknown): string {
  const query = Array.isArray(params) ? params[0] : (params as { query?: unknown } | undefined)?.query
  if (typeof query !== 'string') throw new RpcFault(-32602, 'Invalid params: query is a text.')
  return query.trim()
}

function room(subscriptions: Subscriptions): void {
  if (subscriptions.size >= maxSubscriptionsPerSocket)
    throw new RpcFault(-32000, `This connection has ${maxSubscriptionsPerSocket} subscriptions already.`)
}
