import { describe, expect, it } from '@jest/globals'
import { maxSurbsPerMessage, requestPackets } from '@veilcast/shared/mixnet'
import { type ChainId, encodeRequest, newRequestId } from '@veilcast/shared/protocol'
import { encodeFunctionData, erc20Abi, hexToBytes } from 'viem'
import { neededReplies, surbBudget } from '../../client/dist/surbBudget.js'
import { account, fees, signTransfer } from '../support/client.ts'

const submitBytes = (chain: string, signedTx: Uint8Array) =>
  encodeRequest({
    id: newRequestId(),
    surbs: 0,
    body: {
      kind: 'submit',
      until: 'included',
      everyStage: false,
      notAfter: 1,
      chain: chain as ChainId,
      signedTx,
    },
  }).length

describe('surbBudget', () => {
  it('default: a transfer goes up with 3 SURBs, an ERC-20 transfer and a MsgSend with 2, each in one packet', async () => {
    const transfer = hexToBytes((await signTransfer()).signedTx)
    const erc20 = hexToBytes(
      await account.signTransaction({
        chainId: 1,
        nonce: 300,
        to: `0x${'33'.repeat(20)}`,
        gas: 65_000n,
        data: encodeFunctionData({
          abi: erc20Abi,
          functionName: 'transfer',
          args: [account.address, 10n ** 18n],
        }),
        ...fees,
      }),
    )
    expect(transfer.length).toBeGreaterThan(110)
    expect(transfer.length).toBeLessThanOrEqual(119)
    expect(erc20.length).toBeGreaterThan(170)
    expect(erc20.length).toBeLessThanOrEqual(180)
    const needed = neededReplies('included', false)
    for (const [chain, signedTx, surbs] of [
      ['eip155:1', transfer, 3],
      ['eip155:11155111', new Uint8Array(119), 3],
      ['eip155:1', erc20, 2],
      ['eip155:1', new Uint8Array(180), 2],
      ['cosmos:cosmoshub-4', new Uint8Array(314), 2],
    ] as const) {
      const bytes = submitBytes(chain, signedTx)
      expect(surbBudget(bytes, needed)).toBe(surbs)
      expect(requestPackets(bytes, surbs)).toBe(1)
    }
  })

  it('behavior: what is needed is attached, even where it costs a packet', () => {
    expect(neededReplies('accepted', true)).toBe(1)
    expect(neededReplies('final', false)).toBe(2)
    expect(neededReplies('included', true)).toBe(3)
    expect(neededReplies('final', true)).toBe(4)
    expect(surbBudget(300, 4)).toBeGreaterThanOrEqual(4)
    expect(requestPackets(300, 4)).toBe(2)
  })

  it('behavior: a free SURB never costs a packet', () => {
    for (let bytes = 20; bytes < 30_000; bytes += 37) {
      const surbs = surbBudget(bytes, 2)
      expect(requestPackets(bytes, surbs)).toBe(requestPackets(bytes, 2))
      expect(surbs).toBeLessThanOrEqual(maxSurbsPerMessage)
      expect(requestPackets(bytes, surbs + 1)).toBeGreaterThan(requestPackets(bytes, 2))
    }
  })
})
