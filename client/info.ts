import type { InfoReply } from '@veilcast/shared/protocol'
import { ask } from './ask.ts'
import type { Line, Messages } from './converse.ts'
import { parseInfo, parseWait, type WaitOptions } from './parseArguments.ts'

export interface InfoParameters {
  /** Its index in the client's list. Default: the first that answers. */
  readonly broadcaster?: number | undefined
}

/** What a broadcaster serves. */
export interface BroadcasterInfo extends Omit<InfoReply, 'kind'> {
  readonly broadcaster: number
  readonly roundTripMs: number
  readonly messages: Messages
}

export async function info(
  line: Line,
  parameters: InfoParameters,
  options: WaitOptions,
): Promise<BroadcasterInfo> {
  const { broadcaster: only } = parseInfo(parameters, line.broadcasters.length)
  const { signal, timeoutMs } = parseWait(options)
  const messages = { sent: 0, received: 0, surbs: 0, packetsUp: 0 }
  const { body, broadcaster, roundTripMs } = await ask(
    line,
    { body: { kind: 'info' }, neededSurbs: 1, answer: 'info' },
    { signal, timeoutMs, only, messages },
  )
  const { kind: _, ...served } = body
  return { ...served, broadcaster, roundTripMs, messages }
}
