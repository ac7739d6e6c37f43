import { type Inclusion, maxRevertDataBytes } from '@veilcast/shared/protocol'
import { ChainUnavailable, type WaitOptions } from '../ChainAdapter.ts'
import { answerTo } from '../endpoints/createRpcCaller.ts'
import type { EndpointPool } from '../endpoints/EndpointPool.ts'
import { EndpointProblem } from '../endpoints/EndpointProblem.ts'
import type { JsonRpcProblem } from '../endpoints/jsonRpc.ts'
import type { EvmClient } from './EvmClient.ts'
import type { EvmTransaction } from './EvmTransaction.ts'
import { toHex, toQuantity } from './nodeValues.ts'

/**
 * What the contract gave when it reverted, from one eth_call on the state before its block. Transactions of the same block
 * that came before it are not replayed, so that it can differ from what happened, or be empty.
 */
export async function revertData(
  pool: EndpointPool<EvmClient>,
  tx: EvmTransaction,
  inclusion: Inclusion,
  options: WaitOptions,
): Promise<Uint8Array> {
  if (inclusion.family !== 'evm' || inclusion.ok || inclusion.height === 0n) return new Uint8Array(0)
  const call = { method: 'eth_call', params: [toCall(tx), toQuantity(inclusion.height - 1n)] }
  try {
    return await pool.ask(async (client, signal) => {
      const answer = await answerTo(client, call, { signal })
      if (answer.ok) return new Uint8Array(0)
      const data = revertDataIn(answer.problem)
      if (!data) throw new EndpointProblem('none', 'The endpoint cannot replay the call.')
      return data.slice(0, maxRevertDataBytes)
    }, options)
  } catch (error) {
    if (error instanceof ChainUnavailable) return new Uint8Array(0)
    throw error
  }
}

/** Without fees, so that a node does not ask whether the account could still pay them. */
function toCall(tx: EvmTransaction): Record<string, unknown> {
  return {
    from: toHex(tx.sender),
    ...(tx.to && { to: toHex(tx.to) }),
    gas: toQuantity(tx.gas),
    value: toQuantity(tx.value),
    data: toHex(tx.data),
    ...(tx.accessList.length > 0 && {
      accessList: tx.accessList.map(({ address, storageKeys }) => ({
        address: toHex(address),
        storageKeys: storageKeys.map(toHex),
      })),
    }),
    ...(tx.authorizations.length > 0 && {
      authorizationList: tx.authorizations.map(({ chainId, address, nonce, yParity, r, s }) => ({
        chainId: toQuantity(chainId),
        address: toHex(address),
        nonce: toQuantity(nonce),
        yParity: toQuantity(yParity),
        r: toQuantity(r),
        s: toQuantity(s),
      })),
    }),
  }
}

/** geth, reth, anvil, besu: `data: "0x…"`; Nethermind and Parity: `data: "Reverted 0x…"`; Hardhat: `data: {data: "0x…"}`. */
export function revertDataIn({ nodeData, nodeMessage }: JsonRpcProblem): Uint8Array | undefined {
  const inner =
    typeof nodeData === 'object' && nodeData !== null && 'data' in nodeData ? nodeData.data : nodeData
  const hex = typeof inner === 'string' ? /^(?:Reverted )?0x((?:[0-9a-f]{2})*)$/i.exec(inner)?.[1] : undefined
  if (hex !== undefined) return Uint8Array.from(Buffer.from(hex, 'hex'))
  return /revert/i.test(nodeMessage) ? new Uint8Array(0) : undefined
}
