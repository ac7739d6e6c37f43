import { z } from 'zod'
import { EndpointProblem } from '../endpoints/EndpointProblem.ts'
import { base64, type CometNode, code, codespace } from './cometNode.ts'

const abciQueryAnswer = z.object({ response: z.object({ code, codespace, value: base64.nullish() }) })

/** The SDK's ErrKeyNotFound, which its gRPC `NotFound` becomes. */
const keyNotFound = 22

/**
 * Asks a gRPC query of the application's state after the block `height`, by default the newest; null where it says that there
 * is no such thing.
 * @throws EndpointProblem
 */
export async function abciQuery(
  node: CometNode,
  path: string,
  request: Uint8Array,
  signal: AbortSignal,
  height = 0n,
): Promise<Uint8Array | null> {
  const data = Buffer.from(request).toString('hex')
  const params = { path, data, height: height.toString(), prove: false }
  const { response } = await node.call('abci_query', params, abciQueryAnswer, { signal })
  if (response.code === keyNotFound && response.codespace === 'sdk') return null
  if (response.code !== 0) throw new EndpointProblem('none', `abci_query failed with code ${response.code}.`)
  return response.value ?? new Uint8Array()
}
