import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { VeilcastClient } from '@veilcast/client'
import { type Anvil, startAnvil } from '@veilcast/devnet'
import type { MixnetAddress, MixnetDialer } from '@veilcast/shared/mixnet'
import { createLoopback } from '@veilcast/shared/mixnet/loopback'
import { decodeReply, encodeRequest, newRequestId, parseChainId } from '@veilcast/shared/protocol'
import { bytesToHex, hexToBytes } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { signEthTransfer } from '../support/devnetSign.ts'
import {
  anvilSetup,
  embeddedStore,
  makeFolder,
  startTestBroadcaster,
  startTestClient,
  type TestBroadcaster,
} from '../support/path.ts'

/** A chain that the broadcaster serves, and whose only endpoint is not there. */
const deadChain = 'eip155:424242'

describe('bad input', () => {
  let anvil: Anvil
  let broadcaster: TestBroadcaster
  let client: VeilcastClient
  let folder: Awaited<ReturnType<typeof makeFolder>>
  let raw: MixnetDialer
  let replies: AsyncIterator<Uint8Array>
  const loopback = createLoopback({ seed: 3 })

  beforeAll(async () => {
    folder = await makeFolder()
    anvil = await startAnvil({ blockTimeMs: 300 })
    broadcaster = await startTestBroadcaster({
      listener: loopback.listener(),
      store: embeddedStore(folder.path),
      chains: [
        anvilSetup(anvil),
        { chain: deadChain, endpoints: [{ id: 'dead', url: 'http://127.0.0.1:9' }], pollIntervalMs: 100 },
      ],
    })
    client = await startTestClient(loopback.dialer(), [broadcaster.address()])
    raw = loopback.dialer()
    await raw.start()
    replies = raw.replies()[Symbol.asyncIterator]()
  }, 120_000)

  afterAll(async () => {
    await client?.stop()
    await raw?.stop()
    await broadcaster?.stop()
    await anvil?.stop()
    await folder?.remove()
  })

  /** The nonce is asked for each time: whatever a test left behind, the next one is served. */
  beforeEach(async () => {
    const signedTx = await signEthTransfer(anvil, {
      from: anvil.accounts[0]!,
      to: address(1),
      valueWei: 1n,
    })
    expect((await client.submit({ chain: anvil.chainId, signedTx })).ok).toBe(true)
  })

  it('random bytes in place of a transaction', async () => {
    const signedTx = crypto.getRandomValues(new Uint8Array(200))
    signedTx[0] = 0x02
    // The client reads the transaction before it sends it; a client that does not is told the same by the broadcaster.
    await expect(client.submit({ chain: anvil.chainId, signedTx })).rejects.toMatchObject({
      outcome: 'notSent',
    })
    const told = await answerTo(anvil.chainId, signedTx)
    expect(told).toMatchObject({ kind: 'failure', error: { outcome: 'notSent' } })
    // malformedTransaction, or nonCanonicalTransaction where the noise happens to be a list.
    expect([40, 41]).toContain(told.kind === 'failure' && told.error.number)
  })

  it('random bytes in place of a message are dropped, or answered where a request id can be read', async () => {
    const noise = crypto.getRandomValues(new Uint8Array(300))
    noise[0] = 0x01
    noise[17] = 2
    noise[18] = 0x7f
    await raw.send(broadcaster.address(), noise, 2)
    const { id, body } = decodeReply((await replies.next()).value)
    expect(bytesToHex(id)).toBe(bytesToHex(noise.subarray(1, 17)))
    expect(body).toMatchObject({ kind: 'failure', error: { number: 3 } })
  })

  it('an oversized transaction', async () => {
    const signedTx = await signEthTransfer(anvil, {
      from: anvil.accounts[0]!,
      to: address(1),
      valueWei: 0n,
      gas: 5_000_000n,
      data: `0x${'00'.repeat(140_000)}`,
    })
    await expect(client.submit({ chain: anvil.chainId, signedTx })).rejects.toMatchObject({
      errorName: 'transactionTooLarge',
      outcome: 'notSent',
      retry: 'otherBroadcaster',
      values: { limitBytes: 131_072n },
    })
  })

  it('another chain id', async () => {
    const signedTx = await sign({ chainId: 5 })
    await expect(client.submit({ chain: anvil.chainId, signedTx })).rejects.toMatchObject({
      errorName: 'wrongChainId',
      outcome: 'notSent',
      values: { expected: 31337n, got: 5n },
    })
  })

  it('a chain that is not served', async () => {
    const signedTx = await sign({ chainId: 5 })
    await expect(client.submit({ chain: 'eip155:5', signedTx })).rejects.toMatchObject({
      errorName: 'chainNotServed',
      outcome: 'notSent',
    })
  })

  it('a bad signature', async () => {
    const signedTx = hexToBytes(await sign({ chainId: 31337 }))
    // r is all ones: larger than the order of the curve.
    signedTx.fill(0xff, signedTx.length - 65, signedTx.length - 33)
    await expect(client.submit({ chain: anvil.chainId, signedTx })).rejects.toMatchObject({
      errorName: 'invalidSignature',
      outcome: 'notSent',
      retry: 'never',
    })
  })

  it('insufficient funds', async () => {
    const poor = privateKeyToAccount(`0x${'17'.repeat(32)}`)
    const signedTx = await poor.signTransaction({
      type: 'eip1559',
      chainId: 31337,
      nonce: 0,
      to: address(1),
      value: 1n,
      gas: 21_000n,
      maxFeePerGas: 2_000_000_000n,
    })
    await expect(client.submit({ chain: anvil.chainId, signedTx })).rejects.toMatchObject({
      errorName: 'insufficientFunds',
      outcome: 'notSent',
      retry: 'later',
    })
    // Nothing was sent: once it is funded the same bytes go through.
    await anvil.rpc('anvil_setBalance', [poor.address, '0xde0b6b3a7640000'])
    expect((await client.submit({ chain: anvil.chainId, signedTx })).ok).toBe(true)
  })

  it('no live endpoint', async () => {
    const signedTx = await sign({ chainId: 424242 })
    await expect(client.submit({ chain: deadChain, signedTx })).rejects.toMatchObject({
      errorName: 'noLiveEndpoint',
      outcome: 'notSent',
      retry: 'otherBroadcaster',
    })
  })

  it('a nonce that is used', async () => {
    const signedTx = await sign({ chainId: 31337, nonce: 0 })
    await expect(client.submit({ chain: anvil.chainId, signedTx })).rejects.toMatchObject({
      errorName: 'nonceUsed',
      outcome: 'notSent',
    })
  })

  async function answerTo(chain: string, signedTx: Uint8Array) {
    const id = newRequestId()
    await raw.send(
      broadcaster.address() as MixnetAddress,
      encodeRequest({
        id,
        surbs: 2,
        body: {
          kind: 'submit',
          until: 'included',
          everyStage: false,
          notAfter: Math.floor(Date.now() / 1000) + 60,
          chain: parseChainId(chain),
          signedTx,
        },
      }),
      2,
    )
    const reply = decodeReply((await replies.next()).value)
    expect(reply.id).toEqual(id)
    return reply.body
  }

  function sign(fields: { chainId: number; nonce?: number }): Promise<`0x${string}`> {
    return privateKeyToAccount(anvil.accounts[0]!.privateKey).signTransaction({
      type: 'eip1559',
      nonce: fields.nonce ?? 1000,
      to: address(1),
      value: 2n,
      gas: 21_000n,
      maxFeePerGas: 2_000_000_000n,
      chainId: fields.chainId,
    })
  }

  function address(index: number): `0x${string}` {
    return anvil.accounts[index]!.address as `0x${string}`
  }
})
