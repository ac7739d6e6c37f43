import { describe, expect, it } from '@jest/globals'
import { BaseAccount } from 'cosmjs-types/cosmos/auth/v1beta1/auth'
import { QueryAccountResponse } from 'cosmjs-types/cosmos/auth/v1beta1/query'
import { PubKey } from 'cosmjs-types/cosmos/crypto/secp256k1/keys'
import { BaseVestingAccount, ContinuousVestingAccount } from 'cosmjs-types/cosmos/vesting/v1beta1/vesting'
import { countOwnInQuery, countOwnInRest } from '../../../client/dist/cosmos/countOwn.js'
import type { OwnTransaction } from '../../../client/dist/cosmos/ownTransactions.js'
import { readSigner } from '../../../client/dist/cosmos/readSigner.js'
import { CosmosKey, type SignedParts, signCosmosTx, txBytes } from '../../support/cosmosTx.ts'

const key = new CosmosKey('me')
const own = (sequence: bigint, more: Partial<OwnTransaction> = {}, parts: Partial<SignedParts> = {}) =>
  ({
    signer: readSigner(txBytes(signCosmosTx({ key, sequence, ...parts }))),
    phase: 'open',
    isTaken: true,
    height: undefined,
    ...more,
  }) as OwnTransaction

const baseAccount = (sequence: bigint) =>
  BaseAccount.fromPartial({
    address: key.address,
    pubKey: { typeUrl: PubKey.typeUrl, value: PubKey.encode({ key: key.publicKey }).finish() },
    accountNumber: 12n,
    sequence,
  })
const answerOf = (account: { typeUrl: string; value: Uint8Array }) => ({
  response: {
    code: 0,
    height: '40',
    value: Buffer.from(QueryAccountResponse.encode({ account }).finish()).toString('base64'),
  },
})
const answer = (sequence: bigint) =>
  answerOf({ typeUrl: BaseAccount.typeUrl, value: BaseAccount.encode(baseAccount(sequence)).finish() })
const accountIn = (said: unknown) => {
  const { response } = said as ReturnType<typeof answer>
  const { account } = QueryAccountResponse.decode(Buffer.from(response.value, 'base64'))
  return BaseAccount.decode(account!.value)
}

describe('countOwn', () => {
  it.each([
    ['nothing under way', 5n, [], 5n],
    ['one under way', 5n, [own(5n)], 6n],
    ['from 0, which protobuf leaves out', 0n, [own(0n)], 1n],
    ['several, out of order', 5n, [own(6n), own(5n), own(7n)], 8n],
    ['over one byte', 127n, [own(127n)], 128n],
    ['a gap is not jumped', 5n, [own(7n)], 5n],
    ['counted by the chain already', 6n, [own(5n)], 6n],
    ['no broadcaster has it', 5n, [own(5n, { isTaken: false })], 5n],
    ['refused', 5n, [own(5n, { phase: 'ended' })], 5n],
    ['in a later block than the answer knows', 5n, [own(5n, { phase: 'included', height: 41n })], 6n],
    ['in a block that the answer knows', 5n, [own(5n, { phase: 'included', height: 40n })], 5n],
    ["another account's", 5n, [own(5n, {}, { key: new CosmosKey('another') })], 5n],
    ['unordered: it uses none', 5n, [own(5n, {}, { body: { unordered: true } })], 5n],
    ['without its public key', 5n, [own(5n, {}, { keyless: true })], 5n],
  ] as const)('default: %s', (_, byChain, transactions, expected) => {
    const said = countOwnInQuery(answer(byChain), transactions)
    expect(accountIn(said)).toEqual(baseAccount(expected))
    expect(said).toMatchObject({ response: { code: 0, height: '40' } })
  })

  it('behavior: other kinds of account, and what is none, stay as they are', () => {
    const vesting = ContinuousVestingAccount.fromPartial({
      baseVestingAccount: BaseVestingAccount.fromPartial({ baseAccount: baseAccount(5n) }),
    })
    for (const said of [
      answerOf({
        typeUrl: ContinuousVestingAccount.typeUrl,
        value: ContinuousVestingAccount.encode(vesting).finish(),
      }),
      { response: { code: 22, value: null, height: '40' } },
      { response: { code: 0, value: 'CgUKA2Fi', height: '40' } },
      { response: { code: 0, value: 'no base64' } },
      { response: null },
      null,
      'text',
    ]) {
      expect(countOwnInQuery(said, [own(5n)])).toBe(said)
      expect(countOwnInRest(said, [own(5n)])).toBe(said)
    }
  })

  it('default: by the REST API too', () => {
    const pub_key = { '@type': PubKey.typeUrl, key: Buffer.from(key.publicKey).toString('base64') }
    const account = { '@type': BaseAccount.typeUrl, pub_key, sequence: '5', account_number: '12' }
    expect(countOwnInRest({ account }, [own(5n), own(6n)])).toEqual({
      account: { ...account, sequence: '7' },
    })
    for (const none of [null, { ...pub_key, '@type': '/cosmos.crypto.ed25519.PubKey' }]) {
      const body = { account: { ...account, pub_key: none } }
      expect(countOwnInRest(body, [own(5n)])).toEqual(body)
    }
    const module = { account: { ...account, '@type': '/cosmos.auth.v1beta1.ModuleAccount' } }
    expect(countOwnInRest(module, [own(5n)])).toBe(module)
  })

  it('behavior: whatever the bytes are, reading a signer ends and throws nothing', () => {
    const whole = txBytes(signCosmosTx({ key, sequence: 5n }))
    expect(readSigner(whole)).toEqual({
      publicKey: Buffer.from(key.publicKey).toString('base64'),
      sequence: 5n,
    })
    for (let length = 0; length < whole.length; length++) readSigner(whole.subarray(0, length))
    for (let at = 0; at < whole.length; at++)
      readSigner(whole.map((byte, index) => (index === at ? ~byte : byte)))
  })
})
