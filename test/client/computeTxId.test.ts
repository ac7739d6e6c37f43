import { createHash } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { type ChainId, maxTransactionBytes } from '@veilcast/shared/protocol'
import fc from 'fast-check'
import { type Hex, hexToBytes, keccak256, serializeTransaction } from 'viem'
import { computeTxId, familyOf, formatTxId } from '../../client/dist/computeTxId.js'
import { account, fees } from '../support/client.ts'

const chain = 'eip155:1' as ChainId
const to = `0x${'22'.repeat(20)}` as const
const common = { chainId: 1, nonce: 3, to, gas: 60_000n, value: 1n } as const
const id = (signed: Hex) => formatTxId('evm', computeTxId(chain, hexToBytes(signed)))

describe('computeTxId', () => {
  it('default: is what viem computes for each type', async () => {
    const authorization = await account.signAuthorization({ chainId: 1, address: to, nonce: 4 })
    for (const transaction of [
      { ...common, type: 'legacy', gasPrice: 1n },
      {
        ...common,
        type: 'eip2930',
        gasPrice: 1n,
        accessList: [{ address: to, storageKeys: [`0x${'00'.repeat(32)}`] }],
      },
      { ...common, ...fees, type: 'eip1559' },
      { ...common, ...fees, type: 'eip1559', data: `0x${'ab'.repeat(24_000)}` },
      { ...common, ...fees, type: 'eip7702', authorizationList: [authorization] },
    ] as const) {
      const signed = await account.signTransaction(
        transaction as Parameters<typeof account.signTransaction>[0],
      )
      expect(id(signed)).toBe(keccak256(signed))
    }
  })

  it('behavior: leaves out the sidecars of a blob transaction', async () => {
    const blob = {
      ...common,
      ...fees,
      type: 'eip4844',
      maxFeePerBlobGas: 1n,
      blobVersionedHashes: [`0x01${'00'.repeat(31)}`],
    } as const
    const bare = await account.signTransaction(blob)
    const sidecar = {
      blob: `0x${'01'.repeat(131_072)}`,
      commitment: `0x${'02'.repeat(48)}`,
      proof: `0x${'03'.repeat(48)}`,
    } as const
    const withSidecars = await account.signTransaction({ ...blob, sidecars: [sidecar] })
    expect(withSidecars.length).toBeGreaterThan(262_000)
    expect(id(bare)).toBe(keccak256(bare))
    expect(id(withSidecars)).toBe(keccak256(bare))
  })

  it('behavior: is the SHA-256 of a Cosmos TxRaw, in upper case', () => {
    const raw = new Uint8Array(314).fill(7)
    const cosmos = 'cosmos:cosmoshub-4' as ChainId
    expect(formatTxId(familyOf(cosmos), computeTxId(cosmos, raw))).toBe(
      createHash('sha256').update(raw).digest('hex').toUpperCase(),
    )
  })

  it('error: an unsigned, cut or lengthened transaction is none', async () => {
    const signed = await account.signTransaction({ ...common, ...fees })
    const unsigned = serializeTransaction({ ...common, ...fees, type: 'eip1559' })
    for (const bytes of [
      unsigned,
      signed.slice(0, -2),
      `${signed}00`,
      '0x00c0',
      '0xdeadbeef',
      '0x02',
    ] as Hex[]) {
      expect(() => id(bytes)).toThrow(
        expect.objectContaining({ errorName: 'malformedTransaction', outcome: 'notSent' }),
      )
    }
  })

  it('behavior: hostile bytes are hashed or refused, and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (bytes) => {
        expect(bytes.length).toBeLessThan(maxTransactionBytes)
        try {
          expect(computeTxId(chain, bytes)).toHaveLength(32)
        } catch (error) {
          expect(error).toMatchObject({ errorName: 'malformedTransaction' })
        }
      }),
      { numRuns: 500 },
    )
  })
})
