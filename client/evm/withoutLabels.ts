const calls: ReadonlySet<string> = new Set(['eth_call', 'eth_estimateGas', 'eth_createAccessList'])
const labels: readonly string[] = ['chain', 'hardfork', 'networkId']

/**
 * The params of a call without what web3 writes beside the transaction of an account of its own. Nodes pass over it; here it
 * would be refused, and it tells which library asks.
 */
export function withoutLabels(method: string, params: readonly unknown[]): readonly unknown[] {
  const [call, ...rest] = params
  if (!calls.has(method) || typeof call !== 'object' || call === null) return params
  return [Object.fromEntries(Object.entries(call).filter(([name]) => !labels.includes(name))), ...rest]
}
