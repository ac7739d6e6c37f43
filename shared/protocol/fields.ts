import type { WireError } from '../errors/wireError.ts'
import { type Coder, fixedBytes, list, oneOf, shortText, struct, u16, u64 } from './codec.ts'
import { type ChainId, isChainId, type RequestId, type TxId } from './ids.ts'
import { maxChainIdBytes, maxCodespaceBytes, maxErrorValues } from './limits.ts'

/** The fields that several messages have. */

export const requestId = fixedBytes<RequestId>(16)
export const txId = fixedBytes<TxId>(32)

const chainText = shortText(maxChainIdBytes)
const chain = (text: string): ChainId => {
  if (!isChainId(text)) throw new RangeError('not a CAIP-2 chain id')
  return text
}

export const chainId: Coder<ChainId> = {
  write: (to, text) => chainText.write(to, chain(text)),
  read: (from) => chain(chainText.read(from)),
}

export const wireError = struct<WireError>({
  number: u16,
  outcome: oneOf(['notSent', 'unknown', 'onChain']),
  values: list(u64, maxErrorValues),
  label: shortText(maxCodespaceBytes),
})
