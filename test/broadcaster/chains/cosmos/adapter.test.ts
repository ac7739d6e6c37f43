import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { catalogue, errorNameOf } from '@veilcast/shared/errors'
import { toTxId } from '@veilcast/shared/protocol'
import { BaseAccount } from 'cosmjs-types/cosmos/auth/v1beta1/auth'
import { QueryAccountRequest, QueryAccountResponse } from 'cosmjs-types/cosmos/auth/v1beta1/query'
import { QueryBalanceRequest, QueryBalanceResponse } from 'cosmjs-types/cosmos/bank/v1beta1/query'
import { SignMode } from 'cosmjs-types/cosmos/tx/signing/v1beta1/signing'
import { PeriodicVestingAccount } from 'cosmjs-types/cosmos/vesting/v1beta1/vesting'
import type { Any } from 'cosmjs-types/google/protobuf/any'
import fc from 'fast-check'
import {
  type ChainAdapter,
  ChainUnavailable,
  type Preflight,
} from '../../../../broadcaster/dist/chains/ChainAdapter.js'
import { rpcAskParts } from '../../../../broadcaster/dist/chains/cosmos/askAt.js'
import { createCometNode } from '../../../../broadcaster/dist/chains/cosmos/cometNode.js'
import type { CosmosTx } from '../../../../broadcaster/dist/chains/cosmos/decodeTx.js'
import { findTx } from '../../../../broadcaster/dist/chains/cosmos/findTx.js'
import { preflight } from '../../../../broadcaster/dist/chains/cosmos/preflight.js'
import { readBlock } from '../../../../broadcaster/dist/chains/cosmos/readBlock.js'
import { readStatus } from '../../../../broadcaster/dist/chains/cosmos/readStatus.js'
import { readsOf } from '../../../../broadcaster/dist/chains/cosmos/rememberAccounts.js'
import { submitTx } from '../../../../broadcaster/dist/chains/cosmos/submitTx.js'
import { EndpointProblem } from '../../../../broadcaster/dist/chains/endpoints/EndpointProblem.js'
import { askChain, readError } from '../../../support/askChain.ts'
import { cosmosAdapterOf, liveCosmosAdapter } from '../../../support/cosmosAdapter.ts'
import { CosmosKey, type SignedParts, signCosmosTx, txBytes, txHash } from '../../../support/cosmosTx.ts'
import { cometVersions, type FakeComet, NodeError, startFakeComet } from '../../../support/fakeComet.ts'
import { until } from '../../../support/until.ts'

const key = new CosmosKey('adapter')
const sign = (parts: Partial<SignedParts> = {}) => txBytes(signCosmosTx({ key, ...parts }))
const idOf = (bytes: Uint8Array) => toTxId(Buffer.from(txHash(bytes), 'hex'))

let node: FakeComet
let adapter: ChainAdapter

async function open(version: (typeof cometVersions)[number] = '0.38', more: Record<string, unknown> = {}) {
  node = await startFakeComet(version)
  adapter = await liveCosmosAdapter([node.url], more)
}

afterEach(async () => {
  await adapter.stop()
  await node.stop()
})

/** The events that the SDK writes once a transaction has passed its ante handler. */
const anteEvents = [
  { type: 'tx', attributes: [{ key: 'fee', value: '500stake', index: true }] },
  { type: 'tx', attributes: [{ key: 'acc_seq', value: `${key.address}/0`, index: true }] },
]

describe.each(cometVersions)('blocks of CometBFT %s', (version) => {
  beforeEach(() => open(version))

  it('default: a block with what became of each transaction', async () => {
    const good = sign({ sequence: 3n })
    const failed = sign({ sequence: 4n })
    const notConsumed = sign({ sequence: 9n })
    const voteExtension = Uint8Array.of(1, 2, 3)
    const first = await adapter.readBlock(1n)
    const { hash } = node.addBlock([
      { bytes: voteExtension, code: 2, codespace: 'sdk' },
      { bytes: good, gasWanted: 100_000, gasUsed: 63_210, events: anteEvents },
      { bytes: failed, code: 5, codespace: 'sdk', gasWanted: 100_000, gasUsed: 71_000, events: anteEvents },
      { bytes: notConsumed, code: 32, codespace: 'sdk', events: [] },
    ])
    const block = await adapter.readBlock(2n)

    expect(first).toMatchObject({ height: 1n, parentHash: '0'.repeat(64), transactions: [] })
    expect(block).toMatchObject({
      height: 2n,
      hash: hash.toLowerCase(),
      parentHash: first?.hash,
      timeMs: Date.parse('2026-11-22T15:39:02.072Z'),
    })
    const [foreign, ok, bad, early] = block!.transactions
    expect(foreign).toMatchObject({ txId: idOf(voteExtension), account: undefined })
    expect(ok).toEqual({
      txId: idOf(good),
      account: new Uint8Array(key.publicKey),
      sequence: 3n,
      inclusion: {
        family: 'cosmos',
        height: 2n,
        blockHash: new Uint8Array(Buffer.from(hash, 'hex')),
        code: 0,
        codespace: '',
        gasWanted: 100_000n,
        gasUsed: 63_210n,
      },
    })
    expect(bad).toMatchObject({ sequence: 4n, inclusion: { code: 5, codespace: 'sdk', gasUsed: 71_000n } })
    // It is in the block, but its sequence is still free: nobody was replaced by it.
    expect(early).toMatchObject({
      txId: idOf(notConsumed),
      account: undefined,
      sequence: undefined,
      inclusion: { code: 32 },
    })
  })

  it('behavior: a block that is not there, or whose results are not, is null', async () => {
    expect(await adapter.readBlock(2n)).toBeNull()
    node.addBlock()
    node.withholdResults = true
    expect(await adapter.readBlock(2n)).toBeNull()
    node.withholdResults = false
    expect(await adapter.readBlock(2n)).toMatchObject({ height: 2n })
  })

  it('default: head and find', async () => {
    const bytes = sign()
    const { hash } = node.addBlock([{ bytes, code: 11, codespace: 'sdk', gasUsed: 7 }])
    expect(await adapter.head()).toEqual({
      from: 'e0',
      height: 2n,
      hash: hash.toLowerCase(),
      timeMs: Date.parse('2026-11-22T15:39:02.072Z'),
      finalHeight: 2n,
    })
    expect(await adapter.find(idOf(bytes))).toMatchObject({
      inclusion: { height: 2n, code: 11, codespace: 'sdk', gasUsed: 7n },
      block: { height: 2n, hash: hash.toLowerCase() },
    })
    expect(await adapter.find(idOf(sign({ sequence: 1n })))).toBeNull()
  })
})

describe.each(cometVersions)('submit to CometBFT %s', (version) => {
  const tx = () => adapter.inspect(sign({ sequence: 5n }))
  const answer = (code: number, codespace = 'sdk', log = '') =>
    node.handlers.set('broadcast_tx_sync', ({ tx: sent }) => {
      const hash = txHash(Buffer.from(String(sent), 'base64')).toUpperCase()
      if (code === 0 || version !== '1.0') return { code, codespace, log, data: '', hash }
      throw new NodeError(
        `broadcast error on transaction validation: tx ${hash} is invalid: code=${code}, data=, log='${log}', codespace='${codespace}'`,
      )
    })
  const mismatch = (expected: number, got: number) =>
    `account sequence mismatch, expected ${expected}, got ${got}: incorrect account sequence`

  beforeEach(() => open(version))

  it('default: taken, after one request', async () => {
    answer(0, '')
    node.calls.length = 0
    expect(await adapter.submit('e0', tx())).toEqual({ kind: 'taken' })
    expect(node.calls.filter((method) => method === 'broadcast_tx_sync')).toHaveLength(1)
  })

  it('behavior: what the node knows already is taken', async () => {
    answer(19)
    expect(await adapter.submit('e0', tx())).toEqual({ kind: 'taken' })
    for (const words of [
      'tx already exists in cache',
      'broadcast error on transaction validation: transaction already in mempool, not adding it again',
    ]) {
      node.handlers.set('broadcast_tx_sync', () => {
        throw new NodeError(words)
      })
      expect(await adapter.submit('e0', tx())).toEqual({ kind: 'taken' })
    }
  })

  it('behavior: a wrong sequence is early or used', async () => {
    answer(32, 'sdk', mismatch(3, 5))
    expect(await adapter.submit('e0', tx())).toEqual({ kind: 'early', expected: 3n })
    answer(32, 'sdk', mismatch(6, 5))
    expect(await adapter.submit('e0', tx())).toEqual({ kind: 'used', expected: 6n })
  })

  it.each([
    [4, 'sdk', '', 'cosmosUnauthorized', [4n], ''],
    [5, 'sdk', '', 'cosmosInsufficientFunds', [5n], ''],
    [11, 'sdk', '', 'cosmosOutOfGas', [11n], ''],
    [12, 'sdk', '', 'cosmosMemoTooLarge', [12n], ''],
    [13, 'sdk', '', 'cosmosFeeTooLow', [13n], ''],
    [32, 'sdk', mismatch(8, 2), 'cosmosWrongSequence', [8n, 2n], ''],
    [32, 'sdk', "in other 'words', codespace='", 'endpointRejected', [32n], 'sdk'],
    [13, 'wasm', 'tx already exists in cache', 'endpointRejected', [13n], 'wasm'],
    [4_294_967_295, `${'x'.repeat(40)} \n`, '', 'endpointRejected', [4_294_967_295n], 'x'.repeat(32)],
  ])('behavior: code %i of %s is rejected, and may land all the same', async (...row) => {
    const [code, codespace, log, name, values, label] = row
    answer(code, codespace, log)
    const handed = await adapter.submit('e0', tx())
    expect(handed).toEqual({
      kind: 'rejected',
      error: { number: catalogue[name as 'endpointRejected'].number, outcome: 'unknown', values, label },
    })
  })

  it('behavior: a full mempool, another error, or an unknown endpoint is unavailable', async () => {
    answer(20)
    expect(await adapter.submit('e0', tx())).toEqual({ kind: 'unavailable' })
    node.handlers.set('broadcast_tx_sync', () => {
      throw new NodeError('mempool is full: number of txs 5000 (max: 5000), total txs bytes 1 (max: 2)')
    })
    expect(await adapter.submit('e0', tx())).toEqual({ kind: 'unavailable' })
    expect(adapter.live()).toBe(true)
    expect(await adapter.submit('e7', tx())).toEqual({ kind: 'unavailable' })
  })

  it('behavior: too large for the node is rejected', async () => {
    node.handlers.set('broadcast_tx_sync', () => {
      throw new NodeError('Tx too large. Max size is 1048576, but got 1048577')
    })
    expect(await adapter.submit('e0', tx())).toMatchObject({ kind: 'rejected', error: { values: [21n] } })
  })

  it('behavior: a node that gives another hash is set aside', async () => {
    node.handlers.set('broadcast_tx_sync', () => ({ code: 0, hash: 'AB'.repeat(32) }))
    expect(await adapter.submit('e0', tx())).toEqual({ kind: 'unavailable' })
    expect(adapter.endpoints()).toMatchObject([{ live: false, trouble: 'lied' }])
  })

  it('behavior: heeds its signal', async () => {
    answer(0)
    const aborted = AbortSignal.abort()
    await expect(adapter.submit('e0', tx(), { signal: aborted })).rejects.toBe(aborted.reason)
  })
})

describe('preflight', () => {
  interface State {
    account: Any | undefined
    balances: Record<string, string>
  }
  let state: State
  const base = (sequence: bigint) =>
    BaseAccount.fromPartial({ address: key.address, accountNumber: 7n, sequence })
  const anyOf = (account: BaseAccount): Any => ({
    typeUrl: BaseAccount.typeUrl,
    value: BaseAccount.encode(account).finish(),
  })
  const flight = (parts: Partial<SignedParts> = {}) =>
    adapter.preflight(adapter.inspect(sign({ sequence: 5n, ...parts })))
  const refusalIn = async (flying: Promise<Preflight>) => {
    const result = await flying
    if (result.kind !== 'refused') return result.kind
    expect(result.error.outcome).toBe('notSent')
    return errorNameOf(result.error.number)
  }

  beforeEach(async () => {
    await open()
    state = { account: anyOf(base(5n)), balances: { stake: '500' } }
    node.handlers.set('abci_query', ({ path, data }) => {
      const request = Buffer.from(String(data), 'hex')
      if (path === '/cosmos.auth.v1beta1.Query/Account') {
        expect(QueryAccountRequest.decode(request).address).toBe(key.address)
        const { account } = state
        if (!account) return { response: { code: 22, codespace: 'sdk', log: 'not found', value: null } }
        const value = QueryAccountResponse.encode({ account }).finish()
        return { response: { code: 0, value: Buffer.from(value).toString('base64'), height: '1' } }
      }
      expect(path).toBe('/cosmos.bank.v1beta1.Query/Balance')
      const { denom } = QueryBalanceRequest.decode(request)
      const balance = { denom, amount: state.balances[denom] ?? '0' }
      const value = QueryBalanceResponse.encode({ balance }).finish()
      return { response: { value: Buffer.from(value).toString('base64') } }
    })
  })

  it('default: ready, asked by account alone', async () => {
    node.calls.length = 0
    expect(await flight()).toEqual({ kind: 'ready' })
    expect(node.calls.filter((method) => method !== 'status')).toEqual(['abci_query', 'abci_query'])
    expect(await adapter.nextSequence(key.publicKey)).toBe(5n)
  })

  it('behavior: tells an earlier and a later sequence', async () => {
    expect(await flight({ sequence: 4n })).toEqual({ kind: 'used', expected: 5n })
    expect(await flight({ sequence: 7n })).toEqual({ kind: 'early', expected: 5n })
    expect(await flight({ sequence: 7n, body: { unordered: true } })).toEqual({ kind: 'ready' })
  })

  it('behavior: a signature for another chain, account number or by another key is refused unsent', async () => {
    expect(await refusalIn(flight({ chainId: 'fake-2' }))).toBe('invalidSignature')
    expect(await refusalIn(flight({ accountNumber: 8n }))).toBe('invalidSignature')
    const signed = signCosmosTx({ key, sequence: 5n })
    const signatures = [new CosmosKey('thief').sign(signed.bodyBytes)]
    const forged = adapter.preflight(adapter.inspect(txBytes({ ...signed, signatures })))
    expect(await refusalIn(forged)).toBe('invalidSignature')
  })

  it('behavior: only a signature over the bytes themselves can be checked', async () => {
    const amino = { mode: SignMode.SIGN_MODE_LEGACY_AMINO_JSON, chainId: 'fake-2' }
    expect(await flight(amino)).toEqual({ kind: 'ready' })
  })

  it('behavior: who cannot pay the fee is refused, unless another pays', async () => {
    state.balances.stake = '499'
    expect(await refusalIn(flight())).toBe('insufficientFunds')
    expect(await flight({ fee: { granter: 'cosmos1granter' } })).toEqual({ kind: 'ready' })
    expect(await flight({ fee: { amount: [] } })).toEqual({ kind: 'ready' })
    state.account = undefined
    expect(await refusalIn(flight())).toBe('insufficientFunds')
    expect(await adapter.nextSequence(key.publicKey)).toBeNull()
  })

  it('behavior: reads a vesting account; leaves a kind that it does not know to the chain', async () => {
    const vesting = PeriodicVestingAccount.fromPartial({ baseVestingAccount: { baseAccount: base(6n) } })
    state.account = {
      typeUrl: PeriodicVestingAccount.typeUrl,
      value: PeriodicVestingAccount.encode(vesting).finish(),
    }
    expect(await flight()).toEqual({ kind: 'used', expected: 6n })
    state.account = { typeUrl: '/ethermint.types.v1.EthAccount', value: Uint8Array.of(1) }
    expect(await flight()).toEqual({ kind: 'ready', unproven: true })
    await expect(adapter.nextSequence(key.publicKey)).rejects.toThrow(ChainUnavailable)
  })

  it('behavior: an account of someone else is a lie; no answer is unavailable', async () => {
    state.account = anyOf({ ...base(5n), address: 'cosmos1other' })
    expect(await flight()).toEqual({ kind: 'unavailable' })
    expect(adapter.endpoints()).toMatchObject([{ trouble: 'lied' }])
    expect(await flight()).toEqual({ kind: 'unavailable' })
  })
})

describe('query', () => {
  beforeEach(() => open())

  it('default: passes an allowed read on', async () => {
    expect(await askChain(adapter, 'block', { height: '1' })).toMatchObject({
      block: { header: { height: '1' } },
    })
    expect(await askChain(adapter, 'block', [])).toMatchObject({ block: { header: { height: '1' } } })
  })

  it('behavior: a status shows the chain and hides the node', async () => {
    const status = await askChain(adapter, 'status', {})
    expect(status).toMatchObject({
      node_info: { network: 'fake-1', version: '0.38.11' },
      sync_info: { latest_block_height: '1', catching_up: false },
    })
    expect(JSON.stringify(status)).not.toMatch(/10\.0\.0\.7|secret-moniker|e2ef2149|72FE0761/)
  })

  it.each([
    ['broadcast_tx_sync', { tx: '' }, 'methodNotAllowed'],
    ['genesis', {}, 'methodNotAllowed'],
    ['constructor', {}, 'methodNotAllowed'],
    ['abci_query', { path: '/store/bank/key', data: '' }, 'methodNotAllowed'],
    ['abci_query', { path: '/cosmos.bank.v1beta1.Query/../../p2p', data: '0' }, 'invalidParams'],
    ['abci_query', { path: '/cosmos.auth', data: 'ab', extra: 1 }, 'invalidParams'],
    ['block', { height: '-1' }, 'invalidParams'],
    ['block', ['1'], 'invalidParams'],
    ['validators', { per_page: 101 }, 'invalidParams'],
    ['tx', { hash: 'abcd' }, 'invalidParams'],
    ['tx_search', { query: "message.sender='x'" }, 'invalidParams'],
    ['tx_search', { query: "message.action='send'" }, 'invalidParams'],
    ['abci_query', { path: '/cosmos.tx.v1beta1.Service/BroadcastTx', data: '' }, 'methodNotAllowed'],
    ['abci_query', { path: '/cosmos.base.tendermint.v1beta1.Service/GetNodeInfo' }, 'methodNotAllowed'],
    ['net_info', {}, 'methodNotAllowed'],
    ['rest', { path: '/cosmos/bank/v1beta1/params' }, 'methodNotAllowed'],
  ])('behavior: %s %j is refused with %s and reaches no node', async (method, params, name) => {
    node.calls.length = 0
    expect(await readError(adapter, method, params)).toBe(name)
    expect(node.calls.filter((called) => called !== 'status')).toEqual([])
  })

  it('behavior: the node’s error and an answer too long are the asker’s, not the endpoint’s', async () => {
    expect(await readError(adapter, 'block', { height: 77 })).toBe('readFailed')
    node.handlers.set('block', () => ({ long: 'x'.repeat(70_000) }))
    expect(await readError(adapter, 'block', {})).toBe('answerTooLarge')
    node.handlers.set('block', () => ({ long: 'x'.repeat(2_000_000) }))
    expect(await readError(adapter, 'block', {})).toBe('answerTooLarge')
    expect(adapter.live()).toBe(true)
  })
})

describe('endpoints', () => {
  it('behavior: one on another chain is not asked, and one that catches up is not live', async () => {
    await open()
    const stranger = await startFakeComet('0.38', 'other-1')
    const late = await startFakeComet('0.38')
    const status = late.handlers.get('status')!
    late.handlers.set('status', (params) => {
      const answer = status(params) as { sync_info: object }
      return { ...answer, sync_info: { ...answer.sync_info, catching_up: true } }
    })
    const several = cosmosAdapterOf([node.url, stranger.url, late.url])
    await several.start()
    try {
      await until(() => several.endpoints().every(({ trouble }) => trouble !== 'unreachable'))
      expect(several.endpoints().map(({ trouble }) => trouble)).toEqual(['none', 'wrongChain', 'behind'])
      for (let round = 0; round < 10; round++) expect(several.pickEndpoints()).toEqual(['e0'])
    } finally {
      await several.stop()
      await stranger.stop()
      await late.stop()
    }
  })

  it('behavior: a block that contradicts itself is a lie, and another endpoint is asked', async () => {
    node = await startFakeComet('0.38')
    const liar = await startFakeComet('0.38')
    for (const one of [node, liar]) one.addBlock([{ bytes: sign() }])
    liar.handlers.set('block_results', () => ({ height: '2', txs_results: [] }))
    adapter = await liveCosmosAdapter([node.url, liar.url])
    try {
      await until(async () => {
        expect((await adapter.readBlock(2n))?.transactions).toHaveLength(1)
        return adapter.endpoints()[1]?.trouble === 'lied'
      })
    } finally {
      await liar.stop()
    }
  })
})

describe('a hostile node', () => {
  it('behavior: a number that the wire cannot carry is no answer', async () => {
    await open()
    const status = node.handlers.get('status')!
    const claim = (latest_block_height: string) =>
      node.handlers.set('status', (params) => {
        const answer = status(params) as { sync_info: object }
        return { ...answer, sync_info: { ...answer.sync_info, latest_block_height } }
      })
    claim('9223372036854775807')
    expect((await adapter.head()).height).toBe(2n ** 63n - 1n)
    claim('18446744073709551616')
    await expect(adapter.head()).rejects.toThrow(ChainUnavailable)
  })

  it('property: whatever it answers, nothing but EndpointProblem is thrown', async () => {
    await open()
    const tx = adapter.inspect(sign({ sequence: 5n }))
    node.addBlock([{ bytes: tx.signedTx }])
    const endpoint = { id: 'e0', operator: 'e0', url: node.url }
    const comet = createCometNode(endpoint, 'fake-1', 5_000)
    const header = {
      kind: 'rpc',
      method: 'header',
      params: {},
      byOwnNewest: undefined,
      isLookup: false,
    } as const
    const { askAt } = rpcAskParts({} as never, {} as never)
    const readAt = askAt.bind(undefined, comet)
    const { signal } = new AbortController()
    const config = { cometChainId: 'fake-1', bech32Prefix: 'cosmos', maxBlockBytes: 1_048_576 }
    const asks: Record<string, () => Promise<unknown>> = {
      status: () => readStatus(comet, 'fake-1', signal),
      block: () => readBlock(comet, 2n, config, signal),
      block_results: () => readBlock(comet, 2n, config, signal),
      tx: () => findTx(comet, 'fake-1', tx.txId, signal),
      blockchain: () => findTx(comet, 'fake-1', tx.txId, signal),
      abci_query: () => preflight(readsOf(comet, signal), tx.parsed as CosmosTx, config),
      broadcast_tx_sync: () => submitTx(comet, tx, signal),
      header: () => readAt([header], false, signal),
    }
    const originals = new Map(node.handlers)
    let given = 0
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...Object.keys(asks)),
        fc.oneof(
          fc.jsonValue(),
          hostileAnswer,
          fc.string().map((text) => new NodeError(text)),
        ),
        async (method, answer) => {
          node.handlers.set(method, () => {
            given++
            if (answer instanceof NodeError) throw answer
            return answer
          })
          try {
            await asks[method]!()
          } catch (error) {
            expect(error).toBeInstanceOf(EndpointProblem)
          } finally {
            const original = originals.get(method)
            if (original) node.handlers.set(method, original)
            else node.handlers.delete(method)
          }
        },
      ),
      { numRuns: 600 },
    )
    expect(given).toBeGreaterThanOrEqual(600)
  })
})

/** The form of each answer, with something else where a value belongs. */
const hostileAnswer = fc
  .tuple(
    fc.jsonValue(),
    fc.oneof(fc.base64String(), fc.jsonValue()),
    fc.constantFrom('2', '0', '-1', '9'.repeat(30)),
  )
  .map(([any, value, height]) => ({
    response: { code: 0, value },
    node_info: { network: 'fake-1' },
    sync_info: { latest_block_hash: 'ab'.repeat(32), latest_block_height: height, latest_block_time: any },
    block_id: { hash: 'ab'.repeat(32) },
    block: {
      header: { chain_id: 'fake-1', height, time: '2026-11-22T15:39:03Z' },
      data: { txs: [value] },
    },
    height,
    txs_results: [{ code: 5, codespace: value, gas_used: height, events: any }],
    tx_result: { code: any, events: any },
    tx: value,
    hash: value,
    code: any,
    block_metas: [{ block_id: { hash: 'ab'.repeat(32) }, header: { chain_id: 'fake-1', height } }],
  }))
