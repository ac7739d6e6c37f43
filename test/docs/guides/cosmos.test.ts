import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DirectSecp256k1HdWallet } from '@cosmjs/proto-signing'
import { calculateFee, SigningStargateClient, StargateClient } from '@cosmjs/stargate'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { defaultPort, type RpcEndpoint, serveRpc } from '@veilcast/client/rpc'
import { TxRaw } from 'cosmjs-types/cosmos/tx/v1beta1/tx'
import { cosmosOrSkip } from '../../support/devnetCosmos.ts'
import { until } from '../../support/until.ts'
import { startWalletStack, type WalletStack } from '../../support/walletStack.ts'

const root = join(__dirname, '../../..')

/** The page's first block of TypeScript, with what its reader fills in. Each place has to be there. */
function exampleOf(page: string, places: Readonly<Record<string, string>>): string {
  const [, example] = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(root, 'docs/guides', page), 'utf8')) ?? []
  return Object.entries(places).reduce((text, [place, value]) => {
    expect(text).toContain(place)
    return text.replaceAll(place, value)
  }, example ?? '')
}

cosmosOrSkip('the guide of Cosmos wallets', () => {
  let stack: WalletStack
  let endpoint: RpcEndpoint | undefined
  beforeAll(async () => {
    stack = await startWalletStack({ evm: false, cosmos: { blockTimeMs: 500 } })
  }, 120_000)
  afterAll(async () => {
    await endpoint?.stop()
    await stack?.stop()
  })

  it('keplr.md: the endpoints that it names answer what such a wallet asks', async () => {
    endpoint = await serveRpc({ client: stack.client, port: 0, allowExtensions: true })
    const suggested: { rpc: string; rest: string; chainId: string }[] = []
    const example = exampleOf('keplr.md', { [`127.0.0.1:${defaultPort}`]: `127.0.0.1:${endpoint.port}` })
    await new Function('window', `return (async () => { ${example} })()`)({
      keplr: { experimentalSuggestChain: async (info: (typeof suggested)[0]) => suggested.push(info) },
    })
    const { rpc, rest, chainId } = suggested[0]!
    expect(chainId).toBe(stack.cosmos.reference)

    const origin = 'chrome-extension://dmkamcknogkgcdfhhbddcghachkejeap'
    const ask = async (url: string, body?: object) => {
      const answer = await fetch(url, {
        headers: { origin, ...(body && { 'content-type': 'application/json' }) },
        ...(body && { method: 'POST', body: JSON.stringify(body) }),
      })
      return { status: answer.status, body: (await answer.json()) as Record<string, Record<string, unknown>> }
    }
    const [sender, recipient] = stack.cosmos.accounts.slice(2).map(({ address }) => address) as [
      string,
      string,
    ]
    const [status, nodeInfo, balances, account] = await Promise.all([
      ask(`${rpc}/status`),
      ask(`${rest}/cosmos/base/tendermint/v1beta1/node_info`),
      ask(`${rest}/cosmos/bank/v1beta1/balances/${sender}?pagination.limit=1000`),
      ask(`${rest}/cosmos/auth/v1beta1/accounts/${sender}`),
    ])
    expect(status.body.result).toMatchObject({ node_info: { network: chainId } })
    expect(nodeInfo.body.default_node_info).toMatchObject({ network: chainId })
    expect(balances.body.balances).toEqual([{ denom: stack.cosmos.denom, amount: '1000000000000' }])

    const signer = await DirectSecp256k1HdWallet.fromMnemonic(stack.cosmos.accounts[2]!.mnemonic)
    const signed = await (await SigningStargateClient.offline(signer)).sign(
      sender,
      [
        {
          typeUrl: '/cosmos.bank.v1beta1.MsgSend',
          value: { fromAddress: sender, toAddress: recipient, amount: [{ denom: 'stake', amount: '5' }] },
        },
      ],
      calculateFee(120_000, stack.cosmos.gasPrice),
      '',
      {
        accountNumber: BigInt(account.body.account!.account_number as string),
        sequence: Number(account.body.account!.sequence),
        chainId,
      },
    )
    const tx_bytes = Buffer.from(TxRaw.encode(signed).finish()).toString('base64')
    expect(await ask(`${rest}/cosmos/tx/v1beta1/simulate`, { tx_bytes })).toMatchObject({
      status: 200,
      body: { gas_info: { gas_used: expect.any(String) } },
    })
    const sent = await ask(`${rest}/cosmos/tx/v1beta1/txs`, { tx_bytes, mode: 'BROADCAST_MODE_SYNC' })
    const { txhash } = sent.body.tx_response as { txhash: string }
    expect(sent.body.tx_response).toMatchObject({ code: 0, txhash: expect.stringMatching(/^[0-9A-F]{64}$/) })
    await until(async () => (await ask(`${rest}/cosmos/tx/v1beta1/txs/${txhash}`)).status === 200)

    // Another client of the same RPC URL.
    const reader = await StargateClient.connect(rpc)
    expect(await reader.getTx(txhash)).toMatchObject({ code: 0, hash: txhash })
    reader.disconnect()
  }, 70_000)
})
