import { isChainId } from '@veilcast/shared/protocol'
import { InvalidArgumentError } from 'commander'
import type { MaxFees } from '../rpc/nodes.ts'

/** One `--max-fee` more: `eip155:1=<wei>`, or `cosmos:cosmoshub-4=<amount><denomination>`. @throws InvalidArgumentError */
export function maxFee(text: string, before: MaxFees = {}): MaxFees {
  const [, chain = '', amount = '', denom = ''] =
    /^([^=]+)=(\d{1,78})([a-zA-Z][a-zA-Z0-9/:._-]{1,127})?$/.exec(text) ?? []
  const isEvm = chain.startsWith('eip155:')
  if (!isChainId(chain) || isEvm !== (denom === '')) {
    throw new InvalidArgumentError(
      'It is a chain and what a transaction may pay there: eip155:1=<wei>, cosmos:cosmoshub-4=<amount>uatom.',
    )
  }
  if (isEvm) return { ...before, [chain]: BigInt(amount) }
  const known = before[chain]
  return { ...before, [chain]: { ...(typeof known === 'object' ? known : {}), [denom]: BigInt(amount) } }
}
