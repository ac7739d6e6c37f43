import { VeilcastError } from '@veilcast/shared/errors'
import type { Call } from './answerJsonRpc.ts'
import { namedParams } from './cosmosUri.ts'
import { maxCallsUnderWay } from './limits.ts'
import type { Node } from './nodes.ts'
import type { Tallies } from './tallyCalls.ts'

const sending = /^(eth_sendRawTransaction(Sync)?|broadcast_tx_(sync|async|commit))$/
const txsPath = /^\/cosmos\/tx\/v1beta1\/txs\/?$/

export interface RestCall {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly query: string
  readonly body: unknown
}

export interface Performer {
  /** @throws what the chain's node object throws, VeilcastError `tooManyPending` */
  call(node: Node, call: Pick<Call, 'method' | 'params'>, gone: AbortSignal): Promise<unknown>
  rest(node: Node & { family: 'cosmos' }, call: RestCall, gone: AbortSignal): ReturnType<Ask>
  /** Resolves once no transaction is on its way out, or after so long. */
  sent(withinMs: number): Promise<void>
}
type Ask = (Node & { family: 'cosmos' })['node']['rest']

/** Asks a chain's node object, counted and bounded. Who goes away ends its reads; what it sends is sent. */
export function createPerformer(tallies: Tallies): Performer {
  let underWay = 0
  const outgoing = new Set<Promise<unknown>>()

  const counted = async <T>(
    chain: string,
    method: string,
    isSending: boolean,
    ask: () => Promise<T>,
  ): Promise<T> => {
    const end = tallies.begin(chain, method)
    if (underWay >= maxCallsUnderWay) {
      end('failed')
      throw new VeilcastError('tooManyPending', { values: { limit: maxCallsUnderWay } })
    }
    underWay += 1
    const asked = ask()
    if (isSending) outgoing.add(asked)
    try {
      const answer = await asked
      end('answered')
      return answer
    } catch (error) {
      end('failed')
      throw error
    } finally {
      underWay -= 1
      outgoing.delete(asked)
    }
  }

  return {
    call({ family, node }, { method, params }, gone) {
      const isSending = sending.test(method)
      const wait = isSending ? {} : { signal: gone }
      return counted(node.chain, method, isSending, async () =>
        family === 'evm'
          ? node.request({ method, ...(params === undefined ? {} : { params }) }, wait)
          : node.request({ method, params: namedParams(method, params) }, wait),
      )
    },
    rest({ node }, { method, path, query, body }, gone) {
      const isSending = method === 'POST' && txsPath.test(path)
      return counted(node.chain, path, isSending, async () =>
        node.rest(
          { method, path, ...(query ? { query } : {}), ...(body === undefined ? {} : { body }) },
          isSending ? {} : { signal: gone },
        ),
      )
    },
    async sent(withinMs) {
      if (outgoing.size === 0) return
      let timer: ReturnType<typeof setTimeout> | undefined
      await Promise.race([
        Promise.allSettled(outgoing),
        new Promise((resolve) => {
          timer = setTimeout(resolve, withinMs)
        }),
      ])
      clearTimeout(timer)
    },
  }
}
