import { ChainUnavailable, type InspectedTx, type Replacing, type WaitOptions } from '../ChainAdapter.ts'
import type { EndpointPool } from '../endpoints/EndpointPool.ts'
import type { EvmClient } from './EvmClient.ts'
import { quantityOf, sameBytes, toHex, toQuantity } from './nodeValues.ts'
import { readBlock } from './readBlock.ts'

/** So many blocks back it is looked for: as far as nodes keep the state of. */
const maxBlocksBack = 128n

/**
 * The transaction that used this one's nonce, at or below `height`: the block is found by bisection over the account's nonce,
 * in 9 calls at most, and read. Null where it lies further back, or no transaction of the account used it (EIP-7702).
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
  let unused = height > maxBlocksBack ? height - maxBlocksBack : 0n
  let used = height
  if ((await usedAt(unused)) !== false) return null
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
