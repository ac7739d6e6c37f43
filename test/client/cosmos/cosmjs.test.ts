import { coins, DirectSecp256k1HdWallet } from '@cosmjs/proto-signing'
import {
  BroadcastTxError,
  calculateFee,
  GasPrice,
  isDeliverTxSuccess,
  SigningStargateClient,
  StargateClient,
  TimeoutError,
} from '@cosmjs/stargate'
import { Comet38Client } from '@cosmjs/tendermint-rpc'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { createCosmosNode, createRpcClient, type VeilcastRpcClient } from '@veilcast/client/cosmjs'
import { TxRaw } from 'cosmjs-types/cosmos/tx/v1beta1/tx'
import { cosmosOrSkip } from '../../support/devnetCosmos.ts'
import { signMsgSend } from '../../support/devnetSign.ts'
import { until } from '../../support/until.ts'
import { startWalletStack, type WalletStack } from '../../support/walletStack.ts'

cosmosOrSkip('@veilcast/client/cosmjs', () => {
  let stack: WalletStack
  let rpc: VeilcastRpcClient
  let comet: Comet38Client
  let wallet: SigningStargateClient
  let open: (rpc: Comet38Client) => SigningStargateClient
  let gasPrice: GasPrice
  let from: string
  let to: string
  let denom: string

  beforeAll(async () => {
    stack = await startWalletStack({ network: 'loopback', evm: false, cosmos: { blockTimeMs: 300 } })
    const { cosmos } = stack
    rpc = createRpcClient(stack.client, { chain: cosmos.chainId, checkTxMs: 3_000 })
    comet = Comet38Client.create(rpc)
    gasPrice = GasPrice.fromString(cosmos.gasPrice)
    const signer = await DirectSecp256k1HdWallet.fromMnemonic(cosmos.accounts[0]!.mnemonic, {
      prefix: cosmos.bech32Prefix,
    })
    open = (rpc) =>
      SigningStargateClient.createWithSigner(rpc, signer, {
        gasPrice,
        broadcastPollIntervalMs: 200,
        // CosmJS leaves this timer behind when a broadcast is refused.
        broadcastTimeoutMs: 10_000,
      })
    wallet = open(comet)
    from = cosmos.accounts[0]!.address
    to = cosmos.accounts[1]!.address
    denom = cosmos.denom
  }, 120_000)
  afterAll(() => stack?.stop())

  const fee = () => calculateFee(120_000, gasPrice)
  const send = (amount: number) => ({
    typeUrl: '/cosmos.bank.v1beta1.MsgSend',
    value: { fromAddress: from, toAddress: to, amount: coins(amount, denom) },
  })
  const thrownBy = (work: Promise<unknown>) =>
    work.then(
      () => {
        throw new Error('It did not throw.')
      },
      (error: unknown) => error,
    )

  /** Of a client that has asked nothing: an account that was read since the last block would cost no message. */
  const openAnew = async () => {
    const rpc = createRpcClient(await stack.openClient(), { chain: stack.cosmos.chainId })
    return open(Comet38Client.create(rpc))
  }

  it('default: a StargateClient reads what it reads over HTTP', async () => {
    const direct = await StargateClient.connect(stack.cosmos.rpcUrl)
    const reader = StargateClient.create(
      Comet38Client.create(createRpcClient(stack.client, { chain: stack.cosmos.chainId })),
    )
    try {
      expect(await reader.getChainId()).toBe(stack.cosmos.reference)
      expect(await reader.getHeight()).toBeGreaterThan(0)
      for (const ask of [
        (client: StargateClient) => client.getBlock(1),
        (client: StargateClient) => client.getAccount(from),
        (client: StargateClient) => client.getSequence(to),
        (client: StargateClient) => client.getBalance(from, denom),
        (client: StargateClient) => client.getAllBalances(from),
        (client: StargateClient) => client.getBalanceStaked(from),
        (client: StargateClient) => client.getAccount('cosmos1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqnrql8a'),
        (client: StargateClient) => client.getTx('A'.repeat(64)),
      ]) {
        expect(await ask(reader)).toEqual(await ask(direct))
      }
      const { validators } = await comet.validatorsAll()
      expect(validators).toHaveLength(1)
      expect((await comet.abciInfo()).lastBlockHeight).toBeGreaterThan(0)
    } finally {
      direct.disconnect()
    }
  }, 60_000)

  it('default: sendTokens signs, broadcasts and comes back with what the chain says', async () => {
    const before = await wallet.getBalance(to, denom)
    const anew = await openAnew()
    const cost = await stack.costOf(async () => {
      const sent = await anew.sendTokens(from, to, coins(7, denom), fee(), 'hello')
      expect(isDeliverTxSuccess(sent)).toBe(true)
      expect(sent.events.map(({ type }) => type)).toContain('transfer')
      expect(sent.gasUsed).toBeGreaterThan(0n)
      expect(sent.msgResponses).toHaveLength(1)
    })
    // The account with the chain's id beside it, the transaction, its result.
    expect(cost.messagesUp).toBe(3)
    expect(BigInt((await wallet.getBalance(to, denom)).amount) - BigInt(before.amount)).toBe(7n)
  }, 60_000)

  it('behavior: fee auto simulates, and asks for the account once', async () => {
    const anew = await openAnew()
    const cost = await stack.costOf(async () => {
      const sent = await anew.signAndBroadcast(from, [send(1), send(2)], 'auto')
      expect(sent.code).toBe(0)
      expect(sent.gasWanted).toBeGreaterThan(sent.gasUsed)
    })
    expect(cost.messagesUp).toBe(4)
  }, 60_000)

  it('behavior: what it sent is found again by CosmJS, also by those who did not send it', async () => {
    const { transactionHash, height } = await wallet.sendTokens(from, to, coins(1, denom), fee())
    const other = StargateClient.create(
      Comet38Client.create(createRpcClient(stack.client, { chain: stack.cosmos.chainId })),
    )
    for (const client of [wallet, other]) {
      expect(await client.getTx(transactionHash)).toMatchObject({ hash: transactionHash, height, code: 0 })
      expect(await client.searchTx(`tx.hash='${transactionHash}'`)).toHaveLength(1)
    }
    const { result, height: told } = await comet.tx({ hash: Buffer.from(transactionHash, 'hex') })
    expect([result.code, told]).toEqual([0, height])
    expect((await wallet.getBlock(height)).txs).toHaveLength(1)
  }, 60_000)

  it('behavior: a transaction that fails in delivery is an answer, not an error', async () => {
    const sent = await wallet.sendTokens(from, to, coins(10 ** 15, denom), fee())
    expect([sent.code, isDeliverTxSuccess(sent)]).toEqual([5, false])
    expect(sent.rawLog).toContain('insufficient funds')
  }, 60_000)

  it('behavior: too low a fee and a wrong sequence are BroadcastTxErrors, and ours is found behind them', async () => {
    const cheap = await thrownBy(
      wallet.sendTokens(from, to, coins(1, denom), { amount: coins(1, denom), gas: '120000' }),
    )
    expect(cheap).toBeInstanceOf(BroadcastTxError)
    expect(cheap).toMatchObject({
      code: 13,
      codespace: 'sdk',
      log: expect.stringContaining('insufficient fee'),
    })
    expect(rpc.errorOf(cheap)).toMatchObject({ errorName: 'cosmosFeeTooLow', outcome: 'unknown' })

    const { accountNumber, sequence } = await wallet.getSequence(from)
    const stale = await wallet.sign(from, [send(1)], fee(), '', {
      accountNumber,
      sequence: sequence - 1,
      chainId: stack.cosmos.reference,
    })
    const mismatch = await thrownBy(wallet.broadcastTx(TxRaw.encode(stale).finish(), 10_000))
    expect(mismatch).toBeInstanceOf(BroadcastTxError)
    expect(mismatch).toMatchObject({
      code: 32,
      codespace: 'sdk',
      log: expect.stringContaining(`account sequence mismatch, expected ${sequence}, got ${sequence - 1}`),
    })
    expect(rpc.errorOf(mismatch)).toMatchObject({ errorName: 'nonceUsed', outcome: 'notSent' })
  }, 60_000)

  it('behavior: after a send the account is asked for anew, and the next send has the next sequence', async () => {
    const { sequence } = await wallet.getSequence(from)
    for (const amount of [1, 2]) {
      expect((await wallet.sendTokens(from, to, coins(amount, denom), fee())).code).toBe(0)
    }
    expect((await wallet.getSequence(from)).sequence).toBe(sequence + 2)
  }, 60_000)

  it('behavior: several in a row need not wait for their blocks', async () => {
    const { sequence } = await wallet.getSequence(from)
    const hashes: string[] = []
    const cost = await stack.costOf(async () => {
      hashes.push(await wallet.signAndBroadcastSync(from, [send(1)], fee()))
    })
    // The account, unless it was read since the last block, and the transaction.
    expect(cost.messagesUp).toBeLessThanOrEqual(2)
    hashes.push(
      await wallet.signAndBroadcastSync(from, [send(2)], 'auto'),
      await wallet.signAndBroadcastSync(from, [send(3)], fee()),
    )
    expect((await wallet.getSequence(from)).sequence).toBe(sequence + 3)
    for (const hash of hashes) {
      await until(async () => (await wallet.getTx(hash))?.code === 0, 100)
    }
    expect((await wallet.getSequence(from)).sequence).toBe(sequence + 3)
  }, 60_000)

  it('default: the REST API, as a wallet like Keplr asks it', async () => {
    const node = createCosmosNode(stack.client, { chain: stack.cosmos.chainId })
    const { address } = stack.cosmos.accounts[3]!
    const get = async (path: string, query?: string) => {
      const answer = await node.rest({ method: 'GET', path, ...(query ? { query } : {}) })
      const direct = await fetch(`${stack.cosmos.restUrl}${path}${query ? `?${query}` : ''}`)
      expect(answer).toEqual({ status: direct.status, body: await direct.json() })
      return answer.body as Record<string, Record<string, unknown>>
    }
    const info = await node.rest({ method: 'GET', path: '/cosmos/base/tendermint/v1beta1/node_info' })
    expect(info).toMatchObject({
      status: 200,
      body: { default_node_info: { network: stack.cosmos.reference } },
    })
    await get(`/cosmos/bank/v1beta1/balances/${address}`, 'pagination.limit=1')
    const { account } = await get(`/cosmos/auth/v1beta1/accounts/${address}`)
    const sequence = Number(account!.sequence)

    const bytes = await signMsgSend(stack.cosmos, { from: stack.cosmos.accounts[3]!, to, amount: 3 })
    const tx_bytes = Buffer.from(bytes).toString('base64')
    const simulated = await node.rest({
      method: 'POST',
      path: '/cosmos/tx/v1beta1/simulate',
      body: { tx_bytes },
    })
    expect(simulated).toMatchObject({ status: 200, body: { gas_info: { gas_used: expect.any(String) } } })

    const sent = await node.rest({
      method: 'POST',
      path: '/cosmos/tx/v1beta1/txs',
      body: { tx_bytes, mode: 'BROADCAST_MODE_SYNC' },
    })
    const { txhash } = (sent.body as { tx_response: { txhash: string } }).tx_response
    expect(sent).toMatchObject({ status: 200, body: { tx_response: { code: 0, height: '0' } } })
    const path = `/cosmos/tx/v1beta1/txs/${txhash}`
    await until(async () => (await node.rest({ method: 'GET', path })).status === 200)
    expect(await get(path)).toMatchObject({ tx_response: { txhash, code: 0 } })
    expect(
      await node.rest({ method: 'GET', path: `/cosmos/auth/v1beta1/accounts/${address}` }),
    ).toMatchObject({ body: { account: { sequence: String(sequence + 1) } } })
  }, 60_000)

  it('behavior: broadcastTxCommit waits for the block, and the same bytes are on chain once', async () => {
    const tx = await signMsgSend(stack.cosmos, { from: stack.cosmos.accounts[2]!, to, amount: 5 })
    const [committed, hash] = await Promise.all([comet.broadcastTxCommit({ tx }), wallet.broadcastTxSync(tx)])
    expect(committed.checkTx.code).toBe(0)
    expect(committed.txResult).toMatchObject({ code: 0 })
    expect(committed.txResult!.events.length).toBeGreaterThan(0)
    expect(committed.height).toBeGreaterThan(0)
    expect(Buffer.from(committed.hash).toString('hex').toUpperCase()).toBe(hash)
    expect((await wallet.getBlock(committed.height)).txs).toHaveLength(1)
  }, 60_000)

  it('behavior: a TimeoutError names the transaction, which can be asked for later', async () => {
    const tx = await signMsgSend(stack.cosmos, { from: stack.cosmos.accounts[3]!, to, amount: 5 })
    const late = await thrownBy(wallet.broadcastTx(tx, 1, 1))
    expect(late).toBeInstanceOf(TimeoutError)
    expect(await wallet.broadcastTx(tx, 20_000, 100)).toMatchObject({
      code: 0,
      transactionHash: (late as TimeoutError).txId,
    })
  }, 60_000)

  it('behavior: what a broadcaster does not answer is an error of the call, with ours as its cause', async () => {
    const error = await thrownBy(comet.genesis())
    expect(JSON.parse((error as Error).message)).toMatchObject({ code: -32601, message: 'Method not found' })
    expect(rpc.errorOf(error)).toMatchObject({ errorName: 'methodNotAllowed', outcome: 'notSent' })
    const missing = await thrownBy(comet.tx({ hash: new Uint8Array(32).fill(7) }))
    expect(JSON.parse((missing as Error).message)).toEqual({
      code: -32603,
      message: 'Internal error',
      data: `tx (${'07'.repeat(32)}) not found`,
    })
    expect(await thrownBy(wallet.getBalance('cosmos1nobody', denom))).toMatchObject({
      message: expect.stringContaining('Query failed'),
    })
  }, 60_000)
})
