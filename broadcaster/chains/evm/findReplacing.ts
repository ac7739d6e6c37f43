import { ChainUnavailable, type InspectedTx, type Replacing, type WaitOptions } from '../ChainAdapter.ts'
import type { EndpointPool } from '../endpoints/EndpointPool.ts'
import type { EvmClient } from './EvmClient.ts'
import { quantityOf, sameBytes, toHex, toQuantity } from './nodeValues.ts'
import { readBlock } from './readBlock.ts'

/** So many blocks back it is looked for in turn. Most nodes keep the state of 128 blocks, archives of all. */
const blocksBack = [8n, 64n, 512n, 4_096n, 32_768n]

/**
 * The transaction that used this one's nonce, at or below `height`: the block is found by bisection over the account's nonce,
 * in 20 calls at most, and read. Null where the node's state does not reach back to it, or no transaction of the account used
 * it (EIP-7702).
 *
 * @throws ChainUnavailable where the block cannot be read
 */
export async function findReplacing(
  pool: EndpointPool<EvmClient>,
  { account: sender, sequence: nonce }: InspectedTx,
  height: bigint,
  maxBlockBytes: number,
  options: WaitOptions,
): Promise<Replacing | null> {
  if (!sender || nonce === undefined) return null
  /** Undefined where the state is not there. */
  const usedAt = async (at: bigint): Promise<boolean | undefined> => {
    const params = [toHex(sender), toQuantity(at)]
    try {
      const ask = (client: EvmClient, signal: AbortSignal) =>
        client.call('eth_getTransactionCount', params, { signal })
      return quantityOf(await pool.ask(ask, options)) > nonce
    } catch (error) {
      if (error instanceof ChainUnavailable) return undefined
      throw error
    }
  }
  let used = height
  let unused = -1n
  for (const back of blocksBack) {
    const at = height > back ? height - back : 0n
    const isUsed = await usedAt(at)
    if (isUsed === undefined) return null
    if (isUsed) used = at
    else unused = at
    if (!isUsed || at === 0n) break
  }
  if (unused < 0n) return null
  while (used - unused > 1n) {
    const middle = (used + unused) / 2n
    const isUsed = await usedAt(middle)
    if (isUsed === undefined) return null
    if (isUsed) used = middle
    else unused = middle
  }
  const block = await readBlock(pool, used, maxBlockBytes, options)
  const replacing = block?.transactions.find(
    ({ account, sequence }) => account && sameBytes(account, sender) && sequence === nonce,
  )
  return replacing ? { txId: replacing.txId, height: used } : null
}
