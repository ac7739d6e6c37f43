import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { VeilcastClient } from '@veilcast/client'
import { type Anvil, startAnvil } from '@veilcast/devnet'
import { createLoopback } from '@veilcast/shared/mixnet/loopback'
import { hexToBytes, keccak256, sidecarsToVersionedHashes, toBlobs } from 'viem'
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import {
  anvilSetup,
  embeddedStore,
  makeFolder,
  startTestBroadcaster,
  startTestClient,
  type TestBroadcaster,
} from '../support/path.ts'

const chainId = 31337
const gas = 100_000n

/** KZG commitment and proof of the blob that holds 0xdeadbeef, under the mainnet's trusted setup. */
const commitment =
  '0xb3d3f2a683d9cd83a03f1727d0fc21970157d5de4ba4afb0f86436ccd117768b2c1340ffe83533dbdfb060e8fb94e8a3' as const
const proof =
  '0xb2127959bc7499de4dbcbbb994c7e833683fe4ce21bc37c84c5727c2aa9d89bb7dd2c9b345d6f2c2f7f182ee8f9c4e1e' as const

describe('each type of EVM transaction', () => {
  let anvil: Anvil
  let broadcaster: TestBroadcaster
  let client: VeilcastClient
  let account: PrivateKeyAccount
  let to: `0x${string}`
  let folder: Awaited<ReturnType<typeof makeFolder>>

  beforeAll(async () => {
    const loopback = createLoopback({ seed: 8 })
    folder = await makeFolder()
    anvil = await startAnvil()
    account = privateKeyToAccount(anvil.accounts[0]!.privateKey)
    to = anvil.accounts[1]!.address
    broadcaster = await startTestBroadcaster({
      listener: loopback.listener(),
      store: embeddedStore(folder.path),
      chains: [anvilSetup(anvil, anvil.rpcUrl, { allowBlobs: true })],
    })
    client = await startTestClient(loopback.dialer(), [broadcaster.address()])
  }, 120_000)

  afterAll(async () => {
    await client?.stop()
    await broadcaster?.stop()
    await anvil?.stop()
    await folder?.remove()
  })

  const nextNonce = async () =>
    Number(await anvil.rpc<string>('eth_getTransactionCount', [account.address, 'pending']))

  async function expectIncluded(signedTx: `0x${string}`, type: string): Promise<void> {
    const receipt = await client.submit({ chain: anvil.chainId, signedTx })
    expect(receipt.ok).toBe(true)
    expect(receipt.txId).toBe(keccak256(signedTx))
    expect(await anvil.rpc('eth_getTransactionByHash', [receipt.txId])).toMatchObject({ type })
  }

  it('legacy, with a chain id (EIP-155)', async () => {
    const nonce = await nextNonce()
    await expectIncluded(
      await account.signTransaction({
        type: 'legacy',
        chainId,
        nonce,
        to,
        value: 1n,
        gas,
        gasPrice: 2_000_000_000n,
      }),
      '0x0',
    )
  })

  it('legacy without one is refused: it could be replayed elsewhere', async () => {
    const signedTx = await account.signTransaction({
      type: 'legacy',
      nonce: await nextNonce(),
      to,
      value: 1n,
      gas,
      gasPrice: 2_000_000_000n,
    })
    await expect(client.submit({ chain: anvil.chainId, signedTx })).rejects.toMatchObject({
      errorName: 'unprotectedTransaction',
      outcome: 'notSent',
    })
  })

  it('type 1, with an access list (EIP-2930)', async () => {
    const signedTx = await account.signTransaction({
      type: 'eip2930',
      chainId,
      nonce: await nextNonce(),
      to,
      value: 1n,
      gas,
      gasPrice: 2_000_000_000n,
      accessList: [{ address: to, storageKeys: [`0x${'01'.repeat(32)}`] }],
    })
    await expectIncluded(signedTx, '0x1')
  })

  it('type 2 (EIP-1559)', async () => {
    const signedTx = await account.signTransaction({
      type: 'eip1559',
      chainId,
      nonce: await nextNonce(),
      to,
      value: 1n,
      gas,
      maxFeePerGas: 3_000_000_000n,
      maxPriorityFeePerGas: 1_000_000_000n,
    })
    await expectIncluded(signedTx, '0x2')
  })

  it('type 3, with its blob (EIP-4844), under the hash of the transaction without it', async () => {
    const [blob] = toBlobs({ data: '0xdeadbeef' })
    const sidecars = [{ blob: blob!, commitment, proof }]
    const fields = {
      type: 'eip4844',
      chainId,
      nonce: await nextNonce(),
      to,
      value: 1n,
      gas,
      maxFeePerGas: 3_000_000_000n,
      maxPriorityFeePerGas: 1_000_000_000n,
      maxFeePerBlobGas: 10_000_000_000n,
      blobVersionedHashes: sidecarsToVersionedHashes({ sidecars }),
    } as const
    const signedTx = await account.signTransaction({ ...fields, sidecars })
    expect(hexToBytes(signedTx).length).toBeGreaterThan(131_072)
    const receipt = await client.submit({ chain: anvil.chainId, signedTx })
    expect(receipt.ok).toBe(true)
    expect(receipt.txId).toBe(keccak256(await account.signTransaction({ ...fields, sidecars: false })))
    expect(await anvil.rpc('eth_getTransactionByHash', [receipt.txId])).toMatchObject({ type: '0x3' })
  })

  it('type 4, with an authorization (EIP-7702)', async () => {
    const authority = privateKeyToAccount(anvil.accounts[2]!.privateKey)
    const authorization = await authority.signAuthorization({ chainId, nonce: 0, contractAddress: to })
    const signedTx = await account.signTransaction({
      type: 'eip7702',
      chainId,
      nonce: await nextNonce(),
      to,
      value: 1n,
      gas,
      maxFeePerGas: 3_000_000_000n,
      maxPriorityFeePerGas: 1_000_000_000n,
      authorizationList: [authorization],
    })
    await expectIncluded(signedTx, '0x4')
    expect(await anvil.rpc('eth_getCode', [authority.address, 'latest'])).toBe(
      `0xef0100${to.slice(2).toLowerCase()}`,
    )
  })
})
