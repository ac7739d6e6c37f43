import { describe, expect, it } from '@jest/globals'
import { replyPackets, requestPackets } from '@veilcast/shared/mixnet'
import {
  type ChainId,
  encodeReply,
  encodeRequest,
  newRequestId,
  parseChainId,
  toTxId,
} from '@veilcast/shared/protocol'

describe('size', () => {
  it('default: 26 bytes around the chain id and the signed bytes', () => {
    for (const signedBytes of [0, 119, 1_000_000]) {
      const chain = parseChainId('eip155:31337')
      expect(submit(chain, signedBytes).length - chain.length - signedBytes).toBe(26)
    }
  })

  it.each([
    { what: 'an EIP-1559 transfer', signedBytes: 119, surbs: 3 },
    { what: 'an ERC-20 transfer', signedBytes: 180, surbs: 2 },
    { what: 'a Cosmos MsgSend', signedBytes: 314, surbs: 2 },
  ])('$what goes up in one packet with $surbs SURBs, and not with one more', ({ signedBytes, surbs }) => {
    const { length } = submit(parseChainId('eip155:31337'), signedBytes)
    expect(requestPackets(length, surbs)).toBe(1)
    expect(requestPackets(length, surbs + 1)).toBeGreaterThan(1)
  })

  it('a MsgSend does so under the longest chain id too', () => {
    expect(requestPackets(submit(parseChainId(`abcdefgh:${'r'.repeat(32)}`), 314).length, 2)).toBe(1)
  })

  it('the longest state comes back in one packet', () => {
    const reply = encodeReply({
      id: newRequestId(),
      incarnation: new Uint8Array(8),
      number: 1,
      body: {
        kind: 'state',
        txId: toTxId(new Uint8Array(32)),
        state: {
          stage: 'final',
          inclusion: {
            family: 'evm',
            height: 1n,
            blockHash: new Uint8Array(32),
            transactionIndex: 0,
            ok: false,
            gasUsed: 1n,
            effectiveGasPrice: 1n,
            revertData: new Uint8Array(256),
          },
        },
      },
    })
    expect(replyPackets(reply.length)).toBe(1)
  })
})

describe('what may not be said is not encoded', () => {
  it.each([
    { what: 'a chain id without a namespace', chain: 'mainnet', surbs: 1, notAfter: 1 },
    { what: 'letters beyond ASCII that would wrap into it', chain: 'eip155:\u0131', surbs: 1, notAfter: 1 },
    { what: 'more SURBs than a byte counts', chain: 'eip155:1', surbs: 256, notAfter: 1 },
    { what: 'a notAfter in milliseconds', chain: 'eip155:1', surbs: 1, notAfter: 1_800_000_000_000 },
    { what: 'a notAfter with a fraction', chain: 'eip155:1', surbs: 1, notAfter: 1.5 },
  ])('$what', ({ chain, surbs, notAfter }) => {
    const body = {
      kind: 'submit',
      until: 'final',
      everyStage: false,
      notAfter,
      signedTx: new Uint8Array(3),
    } as const
    expect(() =>
      encodeRequest({ id: newRequestId(), surbs, body: { ...body, chain: chain as ChainId } }),
    ).toThrow()
  })

  it('a transaction over the limit', () => {
    expect(() => submit(parseChainId('eip155:1'), 1_000_001)).toThrow('longer than 1000000 bytes')
  })
})

function submit(chain: ChainId, signedBytes: number): Uint8Array {
  return encodeRequest({
    id: newRequestId(),
    surbs: 2,
    body: {
      kind: 'submit',
      until: 'included',
      everyStage: false,
      notAfter: 1_800_000_000,
      chain,
      signedTx: new Uint8Array(signedBytes),
    },
  })
}
