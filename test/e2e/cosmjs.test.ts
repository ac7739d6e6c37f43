import { coins, DirectSecp256k1HdWallet } from '@cosmjs/proto-signing'
import {
  BroadcastTxError,
  calculateFee,
  GasPrice,
  isDeliverTxSuccess,
  SigningStargateClient,
} from '@cosmjs/stargate'
import { Comet38Client } from '@cosmjs/tendermint-rpc'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { createRpcClient } from '@veilcast/client/cosmjs'
import { cosmosOrSkip } from '../support/devnetCosmos.ts'
import { startWalletStack, type WalletStack } from '../support/walletStack.ts'

cosmosOrSkip('CosmJS over the Nym network', () => {
  let stack: WalletStack
  let signer: DirectSecp256k1HdWallet
  beforeAll(async () => {
    stack = await startWalletStack({ evm: false, cosmos: { blockTimeMs: 1000 } })
    const { accounts, bech32Prefix } = stack.cosmos
    signer = await DirectSecp256k1HdWallet.fromMnemonic(accounts[0]!.mnemonic, { prefix: bech32Prefix })
  }, 180_000)
  afterAll(() => stack?.stop())

  /** As an app starts: nothing of the chain is known yet. */
  async function openWallet() {
    const rpc = createRpcClient(stack.client, { chain: stack.cosmos.chainId })
    const gasPrice = GasPrice.fromString(stack.cosmos.gasPrice)
    const wallet = await SigningStargateClient.createWithSigner(Comet38Client.create(rpc), signer, {
      gasPrice,
    })
    return { rpc, wallet, gasPrice }
  }

  it.each(['explicit', 'auto'] as const)(
    'default: signAndBroadcast with fee %s, and what it costs',
    async (kind) => {
      const { wallet, gasPrice } = await openWallet()
      const [from, to] = stack.cosmos.accounts.map(({ address }) => address) as [string, string]
      const { denom } = stack.cosmos
      const message = {
        typeUrl: '/cosmos.bank.v1beta1.MsgSend',
        value: { fromAddress: from, toAddress: to, amount: coins(3, denom) },
      }
      const before = BigInt((await wallet.getBalance(to, denom)).amount)
      const cost = await stack.costOf(async () => {
        const fee = kind === 'auto' ? 'auto' : calculateFee(120_000, gasPrice)
        const sent = await wallet.signAndBroadcast(from, [message], fee)
        expect(isDeliverTxSuccess(sent)).toBe(true)
        expect(sent.events.map(({ type }) => type)).toContain('transfer')
      })
      expect(BigInt((await wallet.getBalance(to, denom)).amount) - before).toBe(3n)
      // To prepare 1 (auto: 2), to send 1, for the result 1.
      expect(cost.messagesUp).toBe(kind === 'auto' ? 4 : 3)
    },
    60_000,
  )

  it('behavior: a refusal comes back as CosmJS knows it', async () => {
    const { rpc, wallet } = await openWallet()
    const [from, to] = stack.cosmos.accounts.map(({ address }) => address) as [string, string]
    const { denom } = stack.cosmos
    const error = await wallet
      .signAndBroadcastSync(
        from,
        [
          {
            typeUrl: '/cosmos.bank.v1beta1.MsgSend',
            value: { fromAddress: from, toAddress: to, amount: coins(3, denom) },
          },
        ],
        { amount: coins(1, denom), gas: '120000' },
      )
      .catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(BroadcastTxError)
    expect(error).toMatchObject({ code: 13, codespace: 'sdk' })
    expect(rpc.errorOf(error)).toMatchObject({ errorName: 'cosmosFeeTooLow', outcome: 'unknown' })
  }, 60_000)
})
