import { StargateClient } from '@cosmjs/stargate'
import { Comet1Client, Comet38Client, Tendermint37Client } from '@cosmjs/tendermint-rpc'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { type CosmosChain, startCometBft, startCosmosChain } from '@veilcast/devnet'
import { errorNameOf, wireError } from '@veilcast/shared/errors'
import { toTxId } from '@veilcast/shared/protocol'
import { TxRaw } from 'cosmjs-types/cosmos/tx/v1beta1/tx'
import type {
  BlockTx,
  ChainAdapter,
  Handed,
  InspectedTx,
  Preflight,
} from '../../../../broadcaster/dist/chains/ChainAdapter.js'
import { askChain } from '../../../support/askChain.ts'
import { liveCosmosAdapter } from '../../../support/cosmosAdapter.ts'
import { CosmosKey, signCosmosTx, txBytes, txHash } from '../../../support/cosmosTx.ts'
import { cometBftOrSkip, cosmosOrSkip } from '../../../support/devnetCosmos.ts'
import { type MsgSend, signMsgSend } from '../../../support/devnetSign.ts'
import { until } from '../../../support/until.ts'

const nameOf = (result: Handed | Preflight) =>
  'error' in result ? errorNameOf(result.error.number) : result.kind

/** Reads block after block, as the confirm stage does, until the transaction is in one. */
async function untilIncluded(adapter: ChainAdapter, tx: InspectedTx, from: bigint): Promise<BlockTx> {
  let parentHash = ''
  for (let height = from; ; height++) {
    let block = await adapter.readBlock(height)
    await until(async () => {
      block ??= await adapter.readBlock(height)
      return block !== null
    })
    if (parentHash) expect(block!.parentHash).toBe(parentHash)
    parentHash = block!.hash
    const found = block!.transactions.find(({ txId }) => Buffer.compare(txId, tx.txId) === 0)
    if (found) return found
  }
}

cosmosOrSkip('a real Cosmos chain', () => {
  let chain: CosmosChain
  let adapter: ChainAdapter
  const send = async (parts: Partial<MsgSend> = {}, signer: Partial<CosmosChain> = {}) => {
    const [alice, bob] = chain.accounts
    return adapter.inspect(
      await signMsgSend({ ...chain, ...signer }, { from: alice!, to: bob!.address, amount: 1, ...parts }),
    )
  }

  beforeAll(async () => {
    chain = await startCosmosChain({ blockTimeMs: 200 })
    adapter = await liveCosmosAdapter([], {
      chain: chain.chainId,
      bech32Prefix: chain.bech32Prefix,
      endpoints: [{ id: 'e0', url: chain.rpcUrl, restUrl: chain.restUrl }],
    })
  }, 60_000)
  afterAll(async () => {
    await adapter?.stop()
    await chain?.stop()
  })

  it('default: a MsgSend is ready, taken, in a block, and found; a repetition is taken', async () => {
    const tx = await send()
    const { height, finalHeight } = await adapter.head()
    expect(finalHeight).toBe(height)
    const sequence = await adapter.nextSequence(tx.account!)
    expect(tx.sequence).toBe(sequence)

    expect(await adapter.preflight(tx)).toEqual({ kind: 'ready' })
    expect(await adapter.find(tx.txId)).toBeNull()
    const endpoint = adapter.pickEndpoints()[0]!
    expect(await adapter.submit(endpoint, tx)).toEqual({ kind: 'taken' })
    expect(await adapter.submit(endpoint, tx)).toEqual({ kind: 'taken' })

    const included = await untilIncluded(adapter, tx, height)
    expect(included).toMatchObject({
      account: tx.account,
      sequence: tx.sequence,
      inclusion: { code: 0, codespace: '', gasWanted: 120_000n },
    })
    await until(async () => (await adapter.find(tx.txId)) !== null)
    const found = await adapter.find(tx.txId)
    expect(found?.inclusion).toEqual(included.inclusion)
    expect(found?.block.hash).toBe(
      Buffer.from((included.inclusion as { blockHash: Uint8Array }).blockHash).toString('hex'),
    )
    await until(async () => (await adapter.nextSequence(tx.account!)) === sequence! + 1n)
    expect(await adapter.preflight(tx)).toEqual({ kind: 'used', expected: sequence! + 1n })
    expect(await adapter.revertData(tx, included.inclusion)).toEqual(new Uint8Array())
  })

  it('behavior: what fails in delivery is in a block with its code, and has used its sequence', async () => {
    const [, , carol, dave] = chain.accounts
    const tx = await send({ from: carol!, to: dave!.address, amount: 2_000_000_000_000 })
    const { height } = await adapter.head()
    expect(await adapter.preflight(tx)).toEqual({ kind: 'ready' })
    expect(await adapter.submit('e0', tx)).toEqual({ kind: 'taken' })
    expect(await untilIncluded(adapter, tx, height)).toMatchObject({
      account: tx.account,
      sequence: 0n,
      inclusion: { code: 5, codespace: 'sdk' },
    })
  })

  it('behavior: one sender’s next is early by the newest block, and taken where its predecessor lies', async () => {
    const [, bob, , dave] = chain.accounts
    const base = { from: bob!, to: dave!.address, accountNumber: 2 }
    const [first, second, third] = [
      await send({ ...base, sequence: 0 }),
      await send({ ...base, sequence: 1 }),
      await send({ ...base, sequence: 2 }),
    ]
    expect(await adapter.preflight(second!)).toEqual({ kind: 'early', expected: 0n })
    expect(await adapter.submit('e0', third!)).toEqual({ kind: 'early', expected: 0n })
    for (const tx of [first, second, third]) {
      expect(await adapter.submit('e0', tx!)).toEqual({ kind: 'taken' })
    }
    const { height } = await adapter.head()
    await untilIncluded(adapter, third!, height)
    const another = await send({ ...base, sequence: 1, amount: 9 })
    expect(await adapter.submit('e0', another)).toEqual({ kind: 'used', expected: 3n })
  })

  it('behavior: CheckTx refuses a low fee, a long memo, too little gas and a wrong signature', async () => {
    const rejection = async (tx: InspectedTx) => {
      const handed = await adapter.submit('e0', tx)
      expect(handed).toMatchObject({ kind: 'rejected', error: { outcome: 'unknown' } })
      return nameOf(handed)
    }
    expect(await rejection(await send({}, { gasPrice: `0.0001${chain.denom}` }))).toBe('cosmosFeeTooLow')
    expect(await rejection(await send({ memo: 'm'.repeat(257) }))).toBe('cosmosMemoTooLarge')
    expect(await rejection(await send({ gas: 1_000 }))).toBe('cosmosOutOfGas')
    expect(await rejection(await send({}, { reference: 'another-1' }))).toBe('cosmosUnauthorized')
    expect(await rejection(await send({ timeoutHeight: 1n }))).toBe('endpointRejected')
  })

  it('behavior: preflight refuses unsent what the chain would refuse', async () => {
    const otherChain = await send({}, { reference: 'another-1' })
    expect(nameOf(await adapter.preflight(otherChain))).toBe('invalidSignature')
    const { signedTx } = await send()
    const raw = TxRaw.decode(signedTx)
    raw.signatures[0]![40]! ^= 1
    const forged = adapter.inspect(TxRaw.encode(raw).finish())
    expect(nameOf(await adapter.preflight(forged))).toBe('invalidSignature')
    const rich = await send({}, { gasPrice: `100000000${chain.denom}` })
    expect(nameOf(await adapter.preflight(rich))).toBe('insufficientFunds')
    const nobody = adapter.inspect(txBytes(signCosmosTx({ key: new CosmosKey('nobody') })))
    expect(nameOf(await adapter.preflight(nobody))).toBe('insufficientFunds')
    expect(await adapter.nextSequence(nobody.account!)).toBeNull()
  })

  it('behavior: the REST API answers what Keplr and Leap ask, and nobody learns whose node it is', async () => {
    const { address } = chain.accounts[0]!
    const rest = async (path: string, query?: string) => askChain(adapter, 'rest', { path, query })
    const balances = await rest(`/cosmos/bank/v1beta1/balances/${address}`, 'pagination.limit=10')
    expect(balances).toMatchObject({ status: 200, body: { balances: [{ denom: chain.denom }] } })
    expect(await rest(`/cosmos/auth/v1beta1/accounts/${address}`)).toMatchObject({
      body: { account: { address, sequence: expect.anything() } },
    })
    for (const path of [
      '/cosmos/staking/v1beta1/params',
      '/cosmos/staking/v1beta1/validators',
      `/cosmos/staking/v1beta1/delegations/${address}`,
      `/cosmos/staking/v1beta1/delegators/${address}/unbonding_delegations`,
      `/cosmos/distribution/v1beta1/delegators/${address}/rewards`,
      '/cosmos/gov/v1/proposals',
      '/cosmos/mint/v1beta1/inflation',
      '/cosmos/mint/v1beta1/annual_provisions',
      '/cosmos/bank/v1beta1/supply/by_denom',
      '/cosmos/base/tendermint/v1beta1/syncing',
      '/cosmos/base/tendermint/v1beta1/blocks/latest',
      '/cosmos/base/node/v1beta1/config',
      '/ibc/apps/transfer/v1/params',
    ]) {
      const query = path.endsWith('by_denom') ? `denom=${chain.denom}` : undefined
      expect([path, await rest(path, query)]).toEqual([path, expect.objectContaining({ status: 200 })])
    }
    const nobody = new CosmosKey('nobody').address
    expect(await rest(`/cosmos/auth/v1beta1/accounts/${nobody}`)).toMatchObject({
      status: 404,
      body: { code: 5 },
    })

    const info = await rest('/cosmos/base/tendermint/v1beta1/node_info')
    expect(info).toMatchObject({ body: { default_node_info: { network: chain.reference } } })
    const { node_info } = await chain.rpc<{ node_info: { id: string } }>('status')
    expect(JSON.stringify([info, await askChain(adapter, 'status')])).not.toContain(node_info.id)

    const { signedTx } = await send({ memo: 'only tried' })
    const simulated = await askChain(adapter, 'rest', {
      path: '/cosmos/tx/v1beta1/simulate',
      body: { tx_bytes: Buffer.from(signedTx).toString('base64') },
    })
    expect(simulated).toMatchObject({
      status: 200,
      body: { gas_info: { gas_used: expect.stringMatching(/^\d+$/) } },
    })
  })

  it('behavior: what is asked of the newest block is asked of the node once for all', async () => {
    const { address } = chain.accounts[1]!
    const reads = [
      { method: 'status', params: {} },
      { method: 'abci_info', params: {} },
      { method: 'rest', params: { path: `/cosmos/bank/v1beta1/balances/${address}` } },
      {
        method: 'abci_query',
        params: { path: '/cosmos.auth.v1beta1.Query/Params', data: '', prove: false, height: '0' },
      },
    ]
    await until(async () => {
      const { counts, freshMs, height } = await adapter.query(reads)
      expect(height).toBeGreaterThan(0n)
      return counts.cached === 2 && freshMs > 0
    })
  })

  it('behavior: CosmJS reads the chain through query', async () => {
    const tx = await send({ memo: 'read me' })
    const { height } = await adapter.head()
    await adapter.submit('e0', tx)
    await untilIncluded(adapter, tx, height)
    const hash = txHash(tx.signedTx).toUpperCase()
    let includedAt: bigint | undefined
    await until(async () => {
      includedAt = (await adapter.find(tx.txId))?.block.height
      return includedAt !== undefined
    })
    // Reads look at the newest block every quarter of a second.
    await until(async () => (await adapter.query([{ method: 'status', params: {} }])).height >= includedAt!)

    const execute = async ({ id, method, params }: { id: unknown; method: string; params: unknown }) => {
      const result = await askChain(adapter, method, JSON.parse(JSON.stringify(params)))
      return { jsonrpc: '2.0' as const, id: id as number, result }
    }
    const comet = Comet38Client.create({ execute, disconnect: () => {} })
    const client = StargateClient.create(comet)
    expect(await client.getChainId()).toBe(chain.reference)
    expect(await client.getTx(hash)).toMatchObject({ hash, code: 0 })
    const { address } = chain.accounts[0]!
    expect((await client.getAccount(address))?.sequence).toBe(Number(tx.sequence) + 1)
    expect(Number((await client.getBalance(address, chain.denom)).amount)).toBeGreaterThan(0)
    expect((await comet.block(Number(height))).block.header.chainId).toBe(chain.reference)
    await comet.validators({ height: Number(height) })
    await comet.commit(Number(height))
    await comet.abciInfo()
  })

  it('behavior: a node that is away is unavailable, and live again when it is back', async () => {
    // Dave's account was not read: what is remembered for a second answers where no node does.
    const [, bob, , dave] = chain.accounts
    const tx = await send({ from: dave!, to: bob!.address })
    await chain.halt()
    expect(await adapter.submit('e0', tx)).toEqual({ kind: 'unavailable' })
    await until(() => !adapter.live())
    expect(await adapter.preflight(tx)).toEqual({ kind: 'unavailable' })
    expect(adapter.pickEndpoints()).toEqual([])
    await chain.resume()
    await until(() => adapter.live())
    expect(await adapter.preflight(tx)).toEqual({ kind: 'ready' })
  }, 60_000)
})

for (const version of ['0.37', '1.0'] as const) {
  cometBftOrSkip(version, `a real CometBFT ${version}`, () => {
    it('default: head, blocks, find and submit', async () => {
      const node = await startCometBft({ version, blockTimeMs: 100 })
      try {
        const { node_info } = await node.rpc<{ node_info: { network: string } }>('status')
        const adapter = await liveCosmosAdapter([node.rpcUrl], { chain: `cosmos:${node_info.network}` })
        try {
          const bytes = Buffer.from('veil=cast')
          const txId = toTxId(Buffer.from(txHash(bytes), 'hex'))
          const { height } = await node.rpc<{ height: string }>('broadcast_tx_commit', {
            tx: bytes.toString('base64'),
          })
          await until(async () => (await adapter.readBlock(BigInt(height))) !== null)
          const block = await adapter.readBlock(BigInt(height))
          const parent = await adapter.readBlock(BigInt(height) - 1n)
          expect(block?.parentHash).toBe(parent?.hash)
          expect(block?.transactions).toMatchObject([{ txId, account: undefined, inclusion: { code: 0 } }])
          await until(async () => (await adapter.find(txId)) !== null)
          expect((await adapter.find(txId))?.block).toEqual({ height: BigInt(height), hash: block?.hash })
          expect((await adapter.head()).height).toBeGreaterThanOrEqual(BigInt(height))
          expect(await adapter.readBlock(1_000_000n)).toBeNull()

          const execute = async ({
            id,
            method,
            params,
          }: {
            id: unknown
            method: string
            params: unknown
          }) => {
            const result = await askChain(adapter, method, JSON.parse(JSON.stringify(params)))
            return { jsonrpc: '2.0' as const, id: id as number, result }
          }
          const rpc = { execute, disconnect: () => {} }
          const comet = version === '1.0' ? Comet1Client.create(rpc) : Tendermint37Client.create(rpc)
          expect((await comet.status()).nodeInfo.network).toBe(node_info.network)
          expect((await comet.abciInfo()).lastBlockHeight).toBeGreaterThan(0)
          expect((await comet.blockResults(Number(height))).height).toBe(Number(height))
          expect((await comet.block()).block.header.height).toBeGreaterThan(0)
          expect((await comet.validatorsAll()).total).toBe(1)
          expect((await comet.blockchain(1, 2)).blockMetas).toHaveLength(2)
          expect((await comet.tx({ hash: Buffer.from(txId) })).height).toBe(Number(height))
          const search = { query: `tx.height=${height}`, page: 1, per_page: 5 }
          expect((await comet.txSearch(search)).totalCount).toBe(1)
          expect((await comet.commit(Number(height))).header.height).toBe(Number(height))

          // The kvstore of 1.0 takes what has one `=` and no colon in it, that of 0.37 takes all.
          const key = new CosmosKey('kvstore')
          const signedWith = (memo: string) => {
            for (let sequence = 0n; ; sequence++) {
              const tx = adapter.inspect(txBytes(signCosmosTx({ key, sequence, body: { memo } })))
              const marks = tx.signedTx.filter((byte) => byte === 0x3a || byte === 0x3d).length
              if (marks === memo.length) return tx
            }
          }
          const taken = signedWith('=')
          expect(await adapter.submit('e0', taken)).toEqual({ kind: 'taken' })
          const included = await untilIncluded(adapter, taken, BigInt(height) + 1n)
          expect(included).toMatchObject({ account: taken.account, sequence: taken.sequence })
          if (version === '1.0') {
            const error = wireError('endpointRejected', { code: 2 })
            expect(await adapter.submit('e0', signedWith('=='))).toEqual({ kind: 'rejected', error })
          }
        } finally {
          await adapter.stop()
        }
      } finally {
        await node.stop()
      }
    }, 60_000)
  })
}
