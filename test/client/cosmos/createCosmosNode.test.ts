import { createHash } from 'node:crypto'
import { afterEach, describe, expect, it } from '@jest/globals'
import { findVeilcastError } from '@veilcast/client'
import {
  CometRpcError,
  type CosmosNode,
  type CosmosNodeOptions,
  createCosmosNode,
} from '@veilcast/client/cosmjs'
import { type ErrorName, wireError } from '@veilcast/shared/errors'
import type { TxId, TxState } from '@veilcast/shared/protocol'
import {
  type Asked,
  accepted,
  failure,
  patient,
  results,
  type Stage,
  setStage,
  silent,
  submitBody,
  submitted,
} from '../../support/client.ts'
import { until } from '../../support/until.ts'

const chain = 'cosmos:fake-1'
const address = 'cosmos1me'
const accountQuery = { path: '/cosmos.auth.v1beta1.Query/Account', data: '0a', prove: false }
const simulation = { path: '/cosmos.tx.v1beta1.Service/Simulate', data: '0b', prove: false }

/** The client does not look into a Cosmos transaction: the chain judges it. */
function transaction(name = 'one') {
  const bytes = Buffer.from(`a signed transaction: ${name}`)
  const digest = createHash('sha256').update(bytes).digest()
  return {
    base64: bytes.toString('base64'),
    bytes,
    txId: digest as Uint8Array as TxId,
    hash: digest.toString('hex').toUpperCase(),
  }
}

function included(code = 0): TxState {
  return {
    stage: 'included',
    inclusion: {
      family: 'cosmos',
      height: 41n,
      blockHash: new Uint8Array(32).fill(1),
      code,
      codespace: code === 0 ? '' : 'bank',
      gasWanted: 900n,
      gasUsed: 700n,
    },
  }
}

type Reader = (method: string, params: Record<string, unknown>) => unknown

/** A broadcaster of which a test says what it answers to reads, and what it says of transactions, and when. */
class Chain {
  readonly reads: string[] = []
  readonly submits: Asked[] = []
  read: Reader = () => ({})
  onSubmit: (asked: Asked) => void = silent
  private numbers = 0

  readonly play = (asked: Asked) => {
    const { body } = asked.request
    if (body.kind === 'submit') {
      this.submits.push(asked)
      this.onSubmit(asked)
    } else if (body.kind === 'read') {
      asked.answer(
        results(
          ...body.reads.map(({ method, params }) => {
            this.reads.push(method)
            const said = this.read(method, JSON.parse(Buffer.from(params).toString()))
            return said instanceof Error
              ? { kind: 'failed' as const, error: wireError(said.message as ErrorName, { code: 32603 }) }
              : { kind: 'result' as const, result: Buffer.from(JSON.stringify(said)) }
          }),
        ),
      )
    }
  }

  says(state: TxState, asked: Asked | undefined = this.submits.at(-1)) {
    this.numbers += 1
    const digest = createHash('sha256').update(submitBody(asked!).signedTx).digest()
    asked!.state(state, this.numbers, { txId: digest as Uint8Array as TxId })
  }
}

const found = (hash: string) => ({
  hash,
  height: '41',
  index: 0,
  tx: 'AA==',
  tx_result: { code: 0, log: 'from the chain', gas_wanted: '900', gas_used: '700', events: [{ type: 'tx' }] },
})

describe('createCosmosNode', () => {
  let stage: Stage | undefined
  afterEach(() => stage?.close())

  async function open(options: Partial<CosmosNodeOptions> = {}) {
    const script = new Chain()
    stage = await setStage([script.play], { timing: patient })
    const node = createCosmosNode(stage.client, { chain, checkTxMs: 30, ...options })
    return { node, script, client: stage.client }
  }
  const sync = (node: CosmosNode, tx: string) => node.request({ method: 'broadcast_tx_sync', params: { tx } })
  const search = (node: CosmosNode, hash: string) =>
    node.request({ method: 'tx_search', params: { query: `tx.hash='${hash}'` } })
  const thrownBy = (work: Promise<unknown>): Promise<CometRpcError> =>
    work.then(
      () => {
        throw new Error('It did not throw.')
      },
      (error) => error,
    )

  it('default: a broadcast is one submit, and its polls cost nothing until it is in a block', async () => {
    const { node, script } = await open()
    const { base64, hash } = transaction()
    script.onSubmit = () => {
      script.says(accepted)
      script.says(submitted)
    }
    script.read = () => ({ txs: [found(hash)], total_count: '1' })
    const answers = await Promise.all([sync(node, base64), sync(node, base64)])
    for (const answer of answers) {
      expect(answer).toEqual({ code: 0, data: '', log: '', codespace: '', hash })
    }
    expect(await sync(node, base64)).toEqual(answers[0])
    expect(script.submits).toHaveLength(1)
    expect(submitBody(script.submits[0]!)).toMatchObject({ chain, until: 'included', everyStage: true })

    expect(await search(node, hash)).toEqual({ txs: [], total_count: '0' })
    expect(await search(node, hash.toLowerCase())).toEqual({ txs: [], total_count: '0' })
    const missing = await thrownBy(
      node.request({ method: 'tx', params: { hash: Buffer.from(hash, 'hex').toString('base64') } }),
    )
    expect(missing).toBeInstanceOf(CometRpcError)
    expect(missing).toMatchObject({
      code: -32603,
      shortMessage: 'Internal error',
      data: `tx (${hash}) not found`,
    })
    expect(script.reads).toEqual([])

    // Somebody asked: the result is fetched as soon as there is one, once.
    script.says(included())
    await until(() => script.reads.length === 1)
    expect(await search(node, hash)).toEqual({ txs: [found(hash)], total_count: '1' })
    expect(await node.request({ method: 'tx', params: { hash: `0x${hash}` } })).toEqual(found(hash))
    expect(script.reads).toEqual(['tx_search'])
  })

  it('default: async answers once it is accepted, commit once it is in a block', async () => {
    const { node, script } = await open()
    const { base64, hash } = transaction()
    script.onSubmit = () => script.says(accepted)
    script.read = () => ({ txs: [found(hash)], total_count: '1' })
    expect(await node.request({ method: 'broadcast_tx_async', params: { tx: base64 } })).toMatchObject({
      code: 0,
      hash,
    })
    const commit = node.request({ method: 'broadcast_tx_commit', params: { tx: base64 } })
    script.says(submitted)
    script.says(included())
    const { tx_result } = found(hash)
    expect(await commit).toMatchObject({
      check_tx: { code: 0 },
      tx_result,
      deliver_tx: tx_result,
      hash,
      height: '41',
    })
    expect(script.submits).toHaveLength(1)
  })

  it('behavior: commit tells what the receipt says where the result cannot be read', async () => {
    const { node, script } = await open()
    script.onSubmit = () => script.says(included(9))
    script.read = () => new Error('readFailed')
    expect(
      await node.request({ method: 'broadcast_tx_commit', params: { tx: transaction().base64 } }),
    ).toMatchObject({
      tx_result: { code: 9, codespace: 'bank', gas_wanted: '900', gas_used: '700', events: [] },
      height: '41',
    })
  })

  const held = (name: ErrorName, values = {}, more = {}): TxState => ({
    stage: 'refused',
    error: wireError(name, values, more),
  })
  const rejected = (name: ErrorName, values = {}, more = {}): TxState => ({
    stage: 'submitted',
    rejection: wireError(name, values, more),
  })
  it.each([
    [rejected('cosmosFeeTooLow', { code: 13 }), 13, 'sdk', 'insufficient fee: '],
    [rejected('cosmosOutOfGas', { code: 11 }), 11, 'sdk', 'out of gas: '],
    [rejected('cosmosUnauthorized', { code: 4 }), 4, 'sdk', 'unauthorized: '],
    [rejected('cosmosInsufficientFunds', { code: 5 }), 5, 'sdk', 'insufficient funds: '],
    [rejected('cosmosMemoTooLarge', { code: 12 }), 12, 'sdk', 'memo too large: '],
    [
      rejected('cosmosWrongSequence', { expected: 5, got: 3 }),
      32,
      'sdk',
      'account sequence mismatch, expected 5, got 3: incorrect account sequence: ',
    ],
    [held('nonceUsed', { expected: 5, got: 3 }), 32, 'sdk', 'account sequence mismatch, expected 5, got 3: '],
    [held('insufficientFunds'), 5, 'sdk', 'insufficient funds: '],
    [held('invalidSignature'), 4, 'sdk', 'unauthorized: '],
    [rejected('endpointRejected', { code: 7 }, { label: 'wasm' }), 7, 'wasm', 'An endpoint refused'],
    [rejected('endpointRejected', { code: 0 }), 1, 'undefined', 'An endpoint refused'],
  ])(
    'behavior: %# what is refused before a block is an answer with the code of a node, in our words',
    async (state, code, codespace, log) => {
      const { node, script } = await open({ checkTxMs: 5_000 })
      const { base64, hash } = transaction()
      script.onSubmit = () => {
        script.says(accepted)
        if (state.stage === 'submitted') script.says(submitted)
        script.says(state)
      }
      const answer = (await sync(node, base64)) as { log: string }
      expect(answer).toMatchObject({ code, codespace, hash })
      expect(answer.log.startsWith(log)).toBe(true)
      const outcome = state.stage === 'refused' ? 'notSent' : 'unknown'
      expect(answer.log).toContain(`Outcome: ${outcome}.`)
      expect(node.refusalOf(answer.log)).toMatchObject({ outcome })
      expect(
        await node.rest({
          method: 'POST',
          path: '/cosmos/tx/v1beta1/txs',
          body: { tx_bytes: transaction('two').base64, mode: 'BROADCAST_MODE_SYNC' },
        }),
      ).toMatchObject({ status: 200, body: { tx_response: { code, codespace, raw_log: answer.log } } })
    },
  )

  it("behavior: the words of an unknown codespace are not the node's", async () => {
    const { node, script } = await open()
    script.onSubmit = () => script.says(rejected('endpointRejected', { code: 7 }, { label: 'a log: "no"' }))
    expect(await sync(node, transaction().base64)).toMatchObject({ codespace: 'alog:"no"' })
  })

  it('behavior: what nobody judged is an error, and says whether it may still land', async () => {
    const { node, script, client } = await open()
    script.onSubmit = (asked) => asked.answer(failure('noLiveEndpoint'))
    const nowhere = await thrownBy(sync(node, transaction('a').base64))
    expect(nowhere).toMatchObject({ code: -32002, shortMessage: 'Server error' })
    expect(findVeilcastError(nowhere)).toMatchObject({ errorName: 'noLiveEndpoint', outcome: 'notSent' })

    script.onSubmit = silent
    const late = await thrownBy(
      node.request(
        { method: 'broadcast_tx_sync', params: { tx: transaction('b').base64 } },
        { timeoutMs: 50 },
      ),
    )
    expect(findVeilcastError(late)).toMatchObject({ errorName: 'replyTimeout', outcome: 'unknown' })
    const leaving = new AbortController()
    const left = thrownBy(
      node.request(
        { method: 'broadcast_tx_sync', params: { tx: transaction('b').base64 } },
        { signal: leaving.signal },
      ),
    )
    leaving.abort()
    expect(findVeilcastError(await left)).toMatchObject({ errorName: 'aborted', outcome: 'unknown' })
    // It is followed on: who asks again waits for the same one.
    const again = sync(node, transaction('b').base64)
    script.says(submitted)
    expect(await again).toMatchObject({ code: 0 })
    expect(script.submits).toHaveLength(2)

    const never = await thrownBy(
      node.request(
        { method: 'broadcast_tx_sync', params: { tx: transaction('c').base64 } },
        { signal: AbortSignal.abort() },
      ),
    )
    expect(findVeilcastError(never)).toMatchObject({ errorName: 'abortedBeforeSending', outcome: 'notSent' })
    expect(script.submits).toHaveLength(2)

    await client.stop()
    const stopped = await thrownBy(sync(node, transaction('d').base64))
    expect(findVeilcastError(stopped)).toMatchObject({ errorName: 'notStarted', outcome: 'notSent' })
  })

  it('behavior: whoever polls for one that was refused after the answer, or replaced, is told so', async () => {
    const { node, script } = await open({ checkTxMs: 1 })
    script.onSubmit = () => script.says(submitted)
    script.read = () => ({ txs: [], total_count: '0' })
    const { base64, hash, txId } = transaction()
    await sync(node, base64)
    script.says({ stage: 'replaced', by: txId, height: 50n })
    await until(
      async () =>
        !!((await search(node, hash).catch((error: unknown) => error as object)) as { cause?: unknown })
          .cause,
    )
    expect(findVeilcastError(await thrownBy(search(node, hash)))).toMatchObject({
      errorName: 'replaced',
      outcome: 'onChain',
    })
    await expect(node.rest({ method: 'GET', path: `/cosmos/tx/v1beta1/txs/${hash}` })).rejects.toMatchObject({
      errorName: 'replaced',
    })
    expect(script.reads).toEqual([])
  })

  it('behavior: one that lapsed and may still land is looked for on chain', async () => {
    const { node, script } = await open()
    const { base64, hash } = transaction()
    script.onSubmit = () =>
      script.says({
        stage: 'lapsed',
        error: wireError('lapsed', { notAfter: 5 }, { outcome: 'unknown' }),
      })
    expect(findVeilcastError(await thrownBy(sync(node, base64)))).toMatchObject({ outcome: 'unknown' })
    script.read = () => ({ txs: [], total_count: '0' })
    expect(findVeilcastError(await thrownBy(search(node, hash)))).toMatchObject({ errorName: 'lapsed' })
    script.read = () => ({ txs: [found(hash)], total_count: '1' })
    expect(await search(node, hash)).toEqual({ txs: [found(hash)], total_count: '1' })
  })

  it('behavior: what is refused and was not sent can be sent again', async () => {
    const { node, script } = await open()
    const { base64, hash } = transaction()
    script.onSubmit = () => script.says(held('insufficientFunds'))
    expect(await sync(node, base64)).toMatchObject({ code: 5 })
    expect(findVeilcastError(await thrownBy(search(node, hash)))).toMatchObject({
      errorName: 'insufficientFunds',
    })
    expect(script.reads).toEqual([])
    script.onSubmit = () => script.says(submitted)
    expect(await sync(node, base64)).toMatchObject({ code: 0 })
    expect(script.submits).toHaveLength(2)
  })

  it('behavior: as many as it remembers may be on their way', async () => {
    const { node, script } = await open()
    script.onSubmit = (asked) => script.says(accepted, asked)
    const send = (index: number) =>
      node.request({ method: 'broadcast_tx_async', params: { tx: transaction(`${index}`).base64 } })
    await Promise.all(Array.from({ length: 128 }, (_, index) => send(index)))
    expect(findVeilcastError(await thrownBy(send(128)))).toMatchObject({
      errorName: 'tooManyPending',
      outcome: 'notSent',
    })
    script.says(included(), script.submits[3])
    await until(async () => (await send(129).catch(() => null)) !== null)
    expect(script.submits).toHaveLength(129)
  })

  describe('what is asked before a signature', () => {
    const positive = { response: { code: 0, value: 'AA==', height: '9' } }
    const account = (node: CosmosNode) => node.request({ method: 'abci_query', params: accountQuery })
    const simulate = (node: CosmosNode) => node.request({ method: 'abci_query', params: simulation })
    const status = (node: CosmosNode) => node.request({ method: 'status' })
    const answer: Reader = (method) => (method === 'status' ? { node_info: {} } : positive)

    it('default: the status goes along with the account, until it was asked for once', async () => {
      const { node, script } = await open()
      script.read = answer
      expect(await account(node)).toEqual(positive)
      expect(await status(node)).toEqual({ node_info: {} })
      expect(stage!.broadcasters[0]!.asked).toHaveLength(1)
      expect(script.reads).toEqual(['abci_query', 'status'])
      await account(node)
      expect(script.reads).toEqual(['abci_query', 'status', 'abci_query'])
    })

    it('default: a simulation that passed has checked the sequence', async () => {
      const { node, script } = await open()
      script.read = answer
      for (const step of [account, simulate, account, status]) await step(node)
      expect(stage!.broadcasters[0]!.asked).toHaveLength(2)
      await account(node)
      expect(stage!.broadcasters[0]!.asked).toHaveLength(3)
    })

    it('behavior: one that failed has not, and nothing read before a send is given after it', async () => {
      const { node, script } = await open()
      script.read = (method, { path }) =>
        path === simulation.path ? { response: { code: 32, codespace: 'sdk' } } : answer(method, {})
      for (const step of [account, simulate, account]) await step(node)
      expect(script.reads).toEqual(['abci_query', 'status', 'abci_query', 'abci_query'])

      script.read = answer
      for (const step of [simulate]) await step(node)
      script.onSubmit = () => script.says(submitted)
      await sync(node, transaction().base64)
      await account(node)
      expect(script.reads.slice(4)).toEqual(['abci_query', 'abci_query', 'status'])
    })

    it('behavior: a wallet that never asks for the status is not given it for ever', async () => {
      const { node, script } = await open()
      script.read = answer
      script.onSubmit = () => script.says(submitted)
      for (let asked = 0; asked < 6; asked++) {
        await account(node)
        await sync(node, transaction(`${asked}`).base64)
      }
      expect(script.reads.filter((method) => method === 'status')).toHaveLength(3)
    })
  })

  describe('rest', () => {
    const body = { balances: [] }

    it('default: reads are passed on, and what is no read is not', async () => {
      const { node, script } = await open()
      const asked: unknown[] = []
      script.read = (method, params) => {
        asked.push({ method, ...params })
        return { status: 200, body }
      }
      const path = `/cosmos/bank/v1beta1/balances/${address}`
      expect(await node.rest({ method: 'GET', path, query: '?pagination.limit=1' })).toEqual({
        status: 200,
        body,
      })
      const simulation = { path: '/cosmos/tx/v1beta1/simulate', body: { tx_bytes: 'AA==' } }
      await node.rest({ method: 'POST', ...simulation })
      expect(asked).toEqual([
        { method: 'rest', path, query: 'pagination.limit=1' },
        { method: 'rest', ...simulation },
      ])
      expect(await node.rest({ method: 'POST', path: '/cosmos/tx/v1beta1/decode', body: {} })).toEqual({
        status: 501,
        body: { code: 12, message: 'Not Implemented', details: [] },
      })
      expect(asked).toHaveLength(2)
    })

    it('default: a broadcast is a submit, and its look-up is answered here until it is in a block', async () => {
      const { node, script } = await open()
      const { base64, hash } = transaction()
      script.onSubmit = () => script.says(submitted)
      const post = (mode: string) =>
        node.rest({ method: 'POST', path: '/cosmos/tx/v1beta1/txs', body: { tx_bytes: base64, mode } })
      const get = () => node.rest({ method: 'GET', path: `/cosmos/tx/v1beta1/txs/${hash}` })
      expect(await post('BROADCAST_MODE_SYNC')).toMatchObject({
        status: 200,
        body: { tx_response: { txhash: hash, code: 0, codespace: '', raw_log: '', height: '0' } },
      })
      expect(await get()).toEqual({
        status: 404,
        body: { code: 5, message: `tx not found: ${hash}`, details: [] },
      })
      expect(script.reads).toEqual([])
      const block = post('BROADCAST_MODE_BLOCK')
      script.read = () => ({ status: 200, body: { tx_response: { height: '41' } } })
      script.says(included())
      expect(await block).toMatchObject({
        body: { tx_response: { txhash: hash, height: '41', gas_used: '700', code: 0 } },
      })
      for (let time = 0; time < 2; time++) {
        expect(await get()).toEqual({ status: 200, body: { tx_response: { height: '41' } } })
      }
      expect(script.reads).toEqual(['rest'])
      expect(script.submits).toHaveLength(1)
    })

    it.each([
      [{ tx_bytes: 'no base64', mode: 'BROADCAST_MODE_SYNC' }, 'tx_bytes'],
      [{ tx_bytes: '', mode: 'BROADCAST_MODE_SYNC' }, 'tx_bytes'],
      [{ tx_bytes: 'AA==', mode: 'BROADCAST_MODE_UNSPECIFIED' }, 'mode'],
      [{ tx_bytes: 'AA==', mode: 'toString' }, 'mode'],
      [undefined, 'tx_bytes'],
    ])('behavior: %# a broadcast that makes no sense is answered 400, and not sent', async (bad, field) => {
      const { node, script } = await open()
      expect(await node.rest({ method: 'POST', path: '/cosmos/tx/v1beta1/txs', body: bad })).toMatchObject({
        status: 400,
        body: { code: 3, message: expect.stringContaining(field) },
      })
      expect(script.submits).toEqual([])
    })
  })

  it('behavior: bad input is refused here, and says what is wrong', async () => {
    const { node, script } = await open()
    for (const [method, params, field] of [
      ['broadcast_tx_sync', { tx: 'no base64' }, 'tx'],
      ['broadcast_tx_commit', {}, 'tx'],
      ['tx', { hash: 'AA==' }, 'hash'],
      ['tx', {}, 'hash'],
    ] as const) {
      const error = await thrownBy(node.request({ method, params }))
      expect(error).toMatchObject({ code: -32602, data: expect.stringContaining(`${field}: `) })
      expect(findVeilcastError(error)).toMatchObject({ errorName: 'invalidArgument', outcome: 'notSent' })
    }
    expect(script.reads).toEqual([])
    for (const wrong of ['eip155:1', 'cosmos:', 'fake-1', 7 as unknown as string]) {
      expect(() => createCosmosNode(stage!.client, { chain: wrong })).toThrow('cosmos:cosmoshub-4')
    }
  })

  it('behavior: a read that the chain or the broadcaster refuses is an error as a node gives it', async () => {
    const { node, script } = await open()
    script.read = () => new Error('readFailed')
    expect(await thrownBy(node.request({ method: 'block', params: { height: '9' } }))).toMatchObject({
      code: -32603,
      shortMessage: 'Internal error',
    })
    script.read = () => new Error('methodNotAllowed')
    expect(await thrownBy(node.request({ method: 'net_info' }))).toMatchObject({
      code: -32601,
      shortMessage: 'Method not found',
    })
    const heights: unknown[] = []
    script.read = (_, params) => heights.push(params)
    for (const height of ['0', 0, undefined, '7']) await node.request({ method: 'block', params: { height } })
    expect(heights).toEqual([{}, {}, {}, { height: '7' }])
  })
})
