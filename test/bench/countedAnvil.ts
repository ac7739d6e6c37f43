import { setTimeout as delay } from 'node:timers/promises'
import { type Anvil, startAnvil } from '@veilcast/devnet'

/** anvil with a count of the JSON-RPC calls that it has answered: it writes the method of each. */
export interface CountedAnvil extends Anvil {
  calls(): ReadonlyMap<string, number>
}

/** So that a block of a thousand transfers is far from full, and the base fee stays where it is. */
const blockGasLimit = 1_000_000_000

export async function startCountedAnvil(options: {
  readonly blockTimeMs?: number
  readonly chainId?: number
  readonly signal: AbortSignal
}): Promise<CountedAnvil> {
  const counts = new Map<string, number>()
  const anvil = await startAnvil({
    ...options,
    onLine(line) {
      const method = /^\s*((?:eth|net|web3|anvil|evm|txpool)_\w+)\s*$/.exec(line)?.[1]
      if (method !== undefined) counts.set(method, (counts.get(method) ?? 0) + 1)
    },
  })
  await anvil.rpc('evm_setBlockGasLimit', [`0x${blockGasLimit.toString(16)}`])
  return { ...anvil, calls: () => new Map(counts) }
}

/** Calls from one count to the next. */
export function callsBetween(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): { readonly submissions: number; readonly others: number; readonly byMethod: ReadonlyMap<string, number> } {
  const byMethod = new Map([...after].map(([method, count]) => [method, count - (before.get(method) ?? 0)]))
  const submissions = byMethod.get('eth_sendRawTransaction') ?? 0
  const all = [...byMethod.values()].reduce((sum, count) => sum + count, 0)
  return { submissions, others: all - submissions, byMethod }
}

/** Resolves once anvil has been handed so many transactions since its start. */
export async function untilHandedOver(
  anvil: CountedAnvil,
  count: number,
  signal: AbortSignal,
): Promise<void> {
  while ((anvil.calls().get('eth_sendRawTransaction') ?? 0) < count) await delay(20, undefined, { signal })
}
