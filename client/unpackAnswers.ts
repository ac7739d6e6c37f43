import { VeilcastError } from '@veilcast/shared/errors'
import {
  decodeReadAnswers,
  maxMessageBytes,
  type ReadAnswers,
  type ResultsReply,
} from '@veilcast/shared/protocol'

/** Hostile bytes: what swells beyond the longest message is dropped. @throws VeilcastError `readFailed` */
export async function unpackAnswers({ packing, answers }: ResultsReply): Promise<ReadAnswers> {
  try {
    return decodeReadAnswers(packing === 'plain' ? answers : await inflate(answers))
  } catch (cause) {
    throw new VeilcastError('readFailed', { details: 'The answer cannot be unpacked.', cause })
  }
}

async function inflate(packed: Uint8Array): Promise<Uint8Array> {
  const source = new Blob([packed as Uint8Array<ArrayBuffer>]).stream()
  const reader = source.pipeThrough(new DecompressionStream('deflate-raw')).getReader()
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    sizeBytes += value.length
    if (sizeBytes > maxMessageBytes) {
      await reader.cancel()
      throw new RangeError(`longer than ${maxMessageBytes} bytes`)
    }
    chunks.push(value)
  }
  const bytes = new Uint8Array(sizeBytes)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.length
  }
  return bytes
}
