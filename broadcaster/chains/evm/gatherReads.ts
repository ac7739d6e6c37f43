import type { EndpointPool } from '../endpoints/EndpointPool.ts'
import type { JsonRpcAnswer, JsonRpcCall } from '../endpoints/jsonRpc.ts'
import type { EvmClient } from './EvmClient.ts'

const gatherMs = 2
/** What providers take in one batch at least. */
const maxCallsPerRequest = 50

interface Waiting {
  readonly call: JsonRpcCall
  /** Called again where the first endpoint's answers were not usable. @throws EndpointProblem */
  read(answer: JsonRpcAnswer | undefined): void
  resolve(): void
  reject(reason: unknown): void
}

/**
 * Makes one HTTP request of what is asked within 2 ms, answered by one endpoint.
 *
 * @returns what reads one answer. It rejects with ChainUnavailable; `parse` throws EndpointProblem
 */
export function gatherReads(pool: EndpointPool<EvmClient>) {
  let waiting: Waiting[] = []
  let timer: NodeJS.Timeout | undefined

  function send(): void {
    clearTimeout(timer)
    timer = undefined
    const asked = waiting
    waiting = []
    pool
      .ask(async (client, signal) => {
        const answers = await client.batch(
          asked.map(({ call }) => call),
          { signal },
        )
        for (const [index, one] of asked.entries()) one.read(answers[index])
      })
      .then(
        () => {
          for (const one of asked) one.resolve()
        },
        (error: unknown) => {
          for (const one of asked) one.reject(error)
        },
      )
  }

  return function gathered<T>(
    call: JsonRpcCall,
    parse: (answer: JsonRpcAnswer | undefined) => T,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      let value: T
      waiting.push({
        call,
        read: (answer) => {
          value = parse(answer)
        },
        resolve: () => resolve(value),
        reject,
      })
      if (waiting.length === maxCallsPerRequest) send()
      else timer ??= setTimeout(send, gatherMs)
    })
  }
}
