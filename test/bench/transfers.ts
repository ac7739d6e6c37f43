import { createHash } from 'node:crypto'
import type { Anvil } from '@veilcast/devnet'
import secp256k1 from 'secp256k1'
import { bytesToHex, hexToBytes, keccak256, serializeTransaction } from 'viem'
import { privateKeyToAddress } from 'viem/accounts'

/** An account of the bench's own, with the nonce of its next transaction. */
export interface Sender {
  readonly address: `0x${string}`
  readonly privateKey: Uint8Array
  readonly chainId: number
  nextNonce: number
}

const fundsWei = 10n ** 24n
const rpcCallsAtOnce = 32

/** Accounts that anvil has filled. */
export async function fundSenders(anvil: Anvil, count: number): Promise<Sender[]> {
  const chainId = Number(anvil.chainId.slice('eip155:'.length))
  const senders = Array.from({ length: count }, (_, index): Sender => {
    const privateKey = new Uint8Array(createHash('sha256').update(`veilcast bench sender ${index}`).digest())
    return { address: privateKeyToAddress(bytesToHex(privateKey)), privateKey, chainId, nextNonce: 0 }
  })
  for (let from = 0; from < count; from += rpcCallsAtOnce) {
    await Promise.all(
      senders
        .slice(from, from + rpcCallsAtOnce)
        .map(({ address }) => anvil.rpc('anvil_setBalance', [address, `0x${fundsWei.toString(16)}`])),
    )
  }
  return senders
}

/**
 * Signed EIP-1559 transfers, a run of consecutive nonces of one sender after the other, as many as asked for. The runs of
 * all senders are equally long, but for the last.
 */
export function signTransfers(senders: readonly Sender[], count: number): Uint8Array[] {
  const perSender = Math.ceil(count / senders.length)
  const signed: Uint8Array[] = []
  for (const sender of senders) {
    for (let index = 0; index < perSender && signed.length < count; index++) {
      signed.push(signTransfer(sender))
    }
  }
  return signed
}

/** Native signatures: viem's own take 2 ms each, which makes 10,000 of them a bench of their own. */
function signTransfer(sender: Sender): Uint8Array {
  const transaction = {
    type: 'eip1559',
    chainId: sender.chainId,
    nonce: sender.nextNonce++,
    to: sender.address,
    value: 1n,
    gas: 21_000n,
    maxFeePerGas: 10n ** 12n,
    maxPriorityFeePerGas: 10n ** 9n,
  } as const
  const digest = keccak256(serializeTransaction(transaction), 'bytes')
  const { signature, recid } = secp256k1.ecdsaSign(digest, sender.privateKey)
  return hexToBytes(
    serializeTransaction(transaction, {
      r: bytesToHex(signature.subarray(0, 32)),
      s: bytesToHex(signature.subarray(32)),
      yParity: recid,
    }),
  )
}
