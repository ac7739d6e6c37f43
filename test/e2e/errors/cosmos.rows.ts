import { DirectSecp256k1HdWallet } from '@cosmjs/proto-signing'
import { StargateClient } from '@cosmjs/stargate'
import { expect } from '@jest/globals'
import type { VeilcastClient } from '@veilcast/client'
import type { CosmosAccount, CosmosChain } from '@veilcast/devnet'
import { MsgSend } from 'cosmjs-types/cosmos/bank/v1beta1/tx'
import { PubKey } from 'cosmjs-types/cosmos/crypto/secp256k1/keys'
import { SignMode } from 'cosmjs-types/cosmos/tx/signing/v1beta1/signing'
import { AuthInfo, SignDoc, TxBody, TxRaw } from 'cosmjs-types/cosmos/tx/v1beta1/tx'
import { CosmosKey, signCosmosTx, txBytes } from '../../support/cosmosTx.ts'
import { type MsgSend as Send, signMsgSend } from '../../support/devnetSign.ts'
import { until } from '../../support/until.ts'
import type { ErrorRow, ErrorScene } from './errorRow.ts'

/** A broadcaster of one Cosmos chain. */
export interface CosmosScene extends ErrorScene {
  readonly chain: CosmosChain
  readonly client: VeilcastClient
  submit(signedTx: Uint8Array, more?: { notAfter?: number; timeoutMs?: number }): Promise<unknown>
  untilLive(live: boolean): Promise<void>
}

/** From alice to bob, with anything of it, or of the chain that is signed for, replaced that is given. */
function send({ chain }: CosmosScene, parts: Partial<Send> = {}, signer: Partial<CosmosChain> = {}) {
  const [alice, bob] = chain.accounts
  return signMsgSend({ ...chain, ...signer }, { from: alice!, to: bob!.address, amount: 1, ...parts })
}

async function sequenceOf({ chain }: CosmosScene, address: string) {
  const client = await StargateClient.connect(chain.rpcUrl)
  try {
    const { sequence, accountNumber } = await client.getSequence(address)
    return { sequence, accountNumber: Number(accountNumber) }
  } finally {
    client.disconnect()
  }
}

interface PaidByBob {
  /** Ahead of his own. */
  readonly sequenceAhead?: number
  readonly fee?: string
  /** He signs for another chain. */
  readonly signsElsewhere?: boolean
}

/** A MsgSend of alice whose fee bob pays, and signs for: of a second signer the broadcaster asks nothing by itself. */
async function paidByBob(scene: CosmosScene, parts: PaidByBob): Promise<Uint8Array> {
  const { chain } = scene
  const signers = await Promise.all(
    chain.accounts.slice(0, 2).map(async ({ address, mnemonic }) => {
      const wallet = await DirectSecp256k1HdWallet.fromMnemonic(mnemonic, { prefix: chain.bech32Prefix })
      const { pubkey } = (await wallet.getAccounts())[0]!
      return { wallet, address, pubkey, ...(await sequenceOf(scene, address)) }
    }),
  )
  const [alice, bob] = signers as [(typeof signers)[0], (typeof signers)[0]]
  const bodyBytes = TxBody.encode(
    TxBody.fromPartial({
      messages: [
        {
          typeUrl: MsgSend.typeUrl,
          value: MsgSend.encode({
            fromAddress: alice.address,
            toAddress: bob.address,
            amount: [{ denom: chain.denom, amount: '1' }],
          }).finish(),
        },
      ],
    }),
  ).finish()
  const authInfoBytes = AuthInfo.encode(
    AuthInfo.fromPartial({
      signerInfos: [alice, bob].map(({ pubkey, sequence }) => ({
        publicKey: { typeUrl: PubKey.typeUrl, value: PubKey.encode({ key: pubkey }).finish() },
        modeInfo: { single: { mode: SignMode.SIGN_MODE_DIRECT } },
        sequence: BigInt(pubkey === bob.pubkey ? sequence + (parts.sequenceAhead ?? 0) : sequence),
      })),
      fee: {
        amount: [{ denom: chain.denom, amount: parts.fee ?? '10000' }],
        gasLimit: 200_000n,
        payer: bob.address,
      },
    }),
  ).finish()
  const signatures = await Promise.all(
    [alice, bob].map(async ({ wallet, address, accountNumber }) => {
      const chainId = parts.signsElsewhere && address === bob.address ? 'another-1' : chain.reference
      const doc = SignDoc.fromPartial({
        bodyBytes,
        authInfoBytes,
        chainId,
        accountNumber: BigInt(accountNumber),
      })
      const { signature } = await wallet.signDirect(address, doc)
      return Buffer.from(signature.signature, 'base64')
    }),
  )
  return txBytes({ bodyBytes, authInfoBytes, signatures })
}

const invalidSignature = {
  error: 'invalidSignature',
  outcome: 'notSent',
  retry: 'never',
  text: 'The signature is not valid.',
} as const
const insufficientFunds = {
  error: 'insufficientFunds',
  outcome: 'notSent',
  retry: 'later',
  text: 'The account cannot pay for value and gas.',
} as const
/** What CheckTx said: the node has had it. */
const checkTx = { outcome: 'unknown', handed: true } as const

export const cosmosRows: readonly ErrorRow<CosmosScene>[] = [
  {
    input: 'random bytes in place of TxRaw',
    error: 'malformedTransaction',
    outcome: 'notSent',
    retry: 'never',
    text: 'The bytes are no signed transaction of this chain family.',
    provoke: ({ submit }) => submit(new Uint8Array(200).fill(0xff)),
  },
  {
    input: 'a field that TxRaw does not have',
    error: 'nonCanonicalTransaction',
    outcome: 'notSent',
    retry: 'never',
    text: 'The transaction is not in its canonical encoding (trailing bytes, long integers or a high s).',
    provoke: async (scene) => scene.submit(Buffer.concat([await send(scene), Buffer.of(0x78, 1)])),
  },
  {
    input: 'a memo that makes it 70 KB',
    error: 'transactionTooLarge',
    outcome: 'notSent',
    retry: 'otherBroadcaster',
    values: { limitBytes: 65_536n, sizeBytes: 'any' },
    text: /^The transaction has 70\d{3} bytes; the broadcaster takes 65536 on this chain\.$/,
    provoke: async (scene) => scene.submit(await send(scene, { memo: 'm'.repeat(70_000) })),
  },
  {
    input: 'eight signers',
    error: 'tooManySigners',
    outcome: 'notSent',
    retry: 'otherBroadcaster',
    values: { limit: 7n, got: 8n },
    text: 'The transaction has 8 signers; the broadcaster takes 7.',
    async provoke(scene) {
      const raw = TxRaw.decode(await send(scene))
      const authInfo = AuthInfo.decode(raw.authInfoBytes)
      const signerInfos = Array.from({ length: 8 }, () => authInfo.signerInfos[0]!)
      const authInfoBytes = AuthInfo.encode({ ...authInfo, signerInfos }).finish()
      const signatures = Array.from({ length: 8 }, () => raw.signatures[0]!)
      return scene.submit(txBytes({ ...raw, authInfoBytes, signatures }))
    },
  },
  {
    input: 'a signature that is too short',
    ...invalidSignature,
    async provoke(scene) {
      const raw = TxRaw.decode(await send(scene))
      return scene.submit(txBytes({ ...raw, signatures: [raw.signatures[0]!.subarray(1)] }))
    },
  },
  {
    input: 'a signature with a bit changed',
    ...invalidSignature,
    async provoke(scene) {
      const raw = TxRaw.decode(await send(scene))
      raw.signatures[0]![40]! ^= 1
      return scene.submit(txBytes(raw))
    },
  },
  {
    input: 'a high s',
    ...invalidSignature,
    async provoke(scene) {
      const raw = TxRaw.decode(await send(scene))
      const n = 0xffff_ffff_ffff_ffff_ffff_ffff_ffff_fffe_baae_dce6_af48_a03b_bfd2_5e8c_d036_4141n
      const s = BigInt(`0x${Buffer.from(raw.signatures[0]!.subarray(32)).toString('hex')}`)
      raw.signatures[0]!.set(Buffer.from((n - s).toString(16).padStart(64, '0'), 'hex'), 32)
      return scene.submit(txBytes(raw))
    },
  },
  {
    input: 'a signature for another chain id',
    ...invalidSignature,
    provoke: async (scene) => scene.submit(await send(scene, {}, { reference: 'another-1' })),
  },
  {
    input: 'a fee that the account cannot pay',
    ...insufficientFunds,
    provoke: async (scene) =>
      scene.submit(await send(scene, {}, { gasPrice: `100000000${scene.chain.denom}` })),
  },
  {
    input: 'an account that the chain does not know',
    ...insufficientFunds,
    provoke: ({ chain, submit }) =>
      submit(txBytes(signCosmosTx({ key: new CosmosKey('nobody'), chainId: chain.reference }))),
  },
  {
    input: 'a fee below the lowest gas price',
    error: 'cosmosFeeTooLow',
    retry: 'later',
    ...checkTx,
    values: { code: 13n },
    text: 'The chain refused it before delivery: the fee is too low.',
    provoke: async (scene) => scene.submit(await send(scene, {}, { gasPrice: `0.0001${scene.chain.denom}` })),
  },
  {
    input: 'a memo of 257 characters',
    error: 'cosmosMemoTooLarge',
    retry: 'never',
    ...checkTx,
    values: { code: 12n },
    text: 'The chain refused it before delivery: the memo is too long.',
    provoke: async (scene) => scene.submit(await send(scene, { memo: 'm'.repeat(257) })),
  },
  {
    input: 'too little gas',
    error: 'cosmosOutOfGas',
    retry: 'later',
    ...checkTx,
    values: { code: 11n },
    text: 'The chain refused it before delivery: out of gas.',
    provoke: async (scene) => scene.submit(await send(scene, { gas: 1_000 })),
  },
  {
    input: 'a timeout height that has passed',
    error: 'endpointRejected',
    retry: 'later',
    ...checkTx,
    values: { code: 30n },
    label: 'sdk',
    text: 'An endpoint refused the transaction (code 30 sdk); it may have passed it on.',
    provoke: async (scene) => scene.submit(await send(scene, { timeoutHeight: 1n })),
  },
  {
    input: 'a fee payer whose sequence is another',
    error: 'cosmosWrongSequence',
    retry: 'later',
    ...checkTx,
    values: { expected: 0n, got: 1_000n },
    text: 'The chain expects sequence 0; the transaction has 1000.',
    provoke: async (scene) => scene.submit(await paidByBob(scene, { sequenceAhead: 1_000 })),
  },
  {
    input: 'a fee payer who signed for another chain',
    error: 'cosmosUnauthorized',
    retry: 'never',
    ...checkTx,
    values: { code: 4n },
    text: 'The chain refused its signature: wrong key, account number, sequence or chain id.',
    provoke: async (scene) => scene.submit(await paidByBob(scene, { signsElsewhere: true })),
  },
  {
    input: 'a fee payer who cannot pay',
    error: 'cosmosInsufficientFunds',
    retry: 'later',
    ...checkTx,
    values: { code: 5n },
    text: 'The chain refused it before delivery: the account cannot pay.',
    provoke: async (scene) => scene.submit(await paidByBob(scene, { fee: '9'.repeat(30) })),
  },
  {
    input: 'a sequence that another transaction used long ago',
    error: 'nonceUsed',
    outcome: 'notSent',
    retry: 'never',
    values: { expected: 'any', got: 0n },
    text: /^The nonce or sequence 0 is used; the next one is [1-9]\d*\.$/,
    // Dave has sent after each row.
    provoke: async (scene) => {
      const [, bob, , dave] = scene.chain.accounts as CosmosAccount[]
      const { accountNumber } = await sequenceOf(scene, dave!.address)
      const another = { from: dave!, to: bob!.address, amount: 2, sequence: 0, accountNumber }
      return scene.submit(await send(scene, another))
    },
  },
  {
    input: 'a sequence whose predecessor has not come when its notAfter passes',
    error: 'sequenceGap',
    outcome: 'notSent',
    retry: 'later',
    values: { expected: 0n, got: 2n },
    text: 'The transaction has number 2, and 0 never came.',
    provoke: async (scene) => {
      const { accountNumber } = await sequenceOf(scene, scene.chain.accounts[2]!.address)
      const ahead = { from: scene.chain.accounts[2]!, sequence: 2, accountNumber }
      return scene.submit(await send(scene, ahead), { notAfter: Math.floor(Date.now() / 1000) + 3 })
    },
  },
  {
    input: 'an endpoint that hangs when it is handed the transaction, and drops it',
    error: 'replyTimeout',
    retry: 'sameRequest',
    ...checkTx,
    values: { waitedMs: 'any' },
    text: /^No answer came within \d+ ms\.$/,
    async provoke(scene) {
      const signedTx = await send(scene)
      scene.endpoint.set({ mode: 'hang', methods: ['broadcast_tx_sync'] })
      try {
        return await scene.submit(signedTx, { timeoutMs: 1_000 })
      } finally {
        await until(() => scene.endpoint.had(signedTx))
        scene.endpoint.set({ mode: 'pass' })
      }
    },
    async afterwards({ submitted, submit }) {
      expect(await submit(submitted[0]!)).toMatchObject({ ok: true })
    },
  },
  {
    input: 'an endpoint that closes the connection, whatever it is asked',
    error: 'noLiveEndpoint',
    outcome: 'notSent',
    retry: 'otherBroadcaster',
    text: 'The broadcaster has no live endpoint for this chain.',
    async provoke(scene) {
      const signedTx = await send(scene)
      scene.endpoint.set({ mode: 'close' })
      try {
        await scene.untilLive(false)
        return await scene.submit(signedTx)
      } finally {
        scene.endpoint.set({ mode: 'pass' })
      }
    },
  },
  {
    input: 'a path of abci_query that is not on the list',
    error: 'methodNotAllowed',
    outcome: 'notSent',
    retry: 'never',
    text: 'The broadcaster does not answer this method.',
    provoke: ({ client, chain }) =>
      client.read({
        chain: chain.chainId,
        method: 'abci_query',
        params: { path: '/p2p/filter/addr', data: '' },
      }),
  },
  {
    input: 'a block that is not there yet',
    error: 'readFailed',
    outcome: 'notSent',
    retry: 'later',
    values: { code: 32_603n },
    text: 'The node answered the read with an error (code 32603).',
    provoke: ({ client, chain }) =>
      client.read({ chain: chain.chainId, method: 'block', params: { height: '1000000' } }),
  },
]
