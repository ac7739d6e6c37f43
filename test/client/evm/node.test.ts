import { afterEach, describe, expect, it } from '@jest/globals'
import { findVeilcastError, VeilcastError } from '@veilcast/client'
import { keccak256 } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { createEvmNode, type EvmNode } from '../../../client/dist/evm/createEvmNode.js'
import { type ScriptedNode, scriptedNode } from '../../support/scriptedNode.ts'
import { until } from '../../support/until.ts'

const account = privateKeyToAccount(`0x${'11'.repeat(32)}`)
const other = privateKeyToAccount(`0x${'22'.repeat(32)}`)
const chain = 'eip155:1'

async function signed(nonce: number, by = account, value = 1n) {
  const raw = await by.signTransaction({
    type: 'eip1559',
    chainId: 1,
    nonce,
    to: other.address,
    value,
    gas: 21_000n,
    maxFeePerGas: 2_000_000_000n,
  })
  return { raw, hash: keccak256(raw) }
}

const open = (script: ScriptedNode, options: { holdReceipts?: boolean } = {}) => {
  const node = createEvmNode(script.client, { chain, ...options })
  const call = (method: string, ...params: unknown[]) => node.request({ method, params })
  return { node, call }
}

describe('an EVM node', () => {
  it('default: says without a message what can be known here', async () => {
    const script = scriptedNode()
    const { call } = open(script)
    const methods = [
      'eth_chainId',
      'net_version',
      'eth_accounts',
      'web3_clientVersion',
      'eth_syncing',
      'net_listening',
    ]
    expect(await Promise.all(methods.map((method) => call(method)))).toEqual([
      '0x1',
      '1',
      [],
      'Veilcast',
      false,
      true,
    ])
    expect(script.asked).toEqual([])
  })

  it('behavior: what is not here is asked for, and what is refused is asked for once', async () => {
    const script = scriptedNode({
      answer: ({ method }) => {
        if (method === 'eth_getProof') throw new VeilcastError('methodNotAllowed')
        return '0x5'
      },
    })
    const { call } = open(script)
    expect(await call('eth_getBalance', account.address, 'latest')).toBe('0x5')
    for (const method of [
      'eth_getProof',
      'eth_getProof',
      'eth_newFilter',
      'admin_peers',
      'eth_sendTransaction',
    ]) {
      const error = await call(method).catch((error) => error)
      expect(error).toMatchObject({
        code: -32601,
        message: `the method ${method} does not exist/is not available`,
      })
      expect(findVeilcastError(error)?.errorName).toBe('methodNotAllowed')
    }
    expect(script.asked.map(({ method }) => method)).toEqual(['eth_getBalance', 'eth_getProof'])
  })

  it('error: bad requests, and a chain that is none', async () => {
    const { node } = open(scriptedNode())
    await expect(node.request({ method: 5 as never })).rejects.toMatchObject({ code: -32600 })
    await expect(node.request({ method: 'eth_call', params: { to: '0x' } })).rejects.toMatchObject({
      code: -32602,
    })
    await expect(node.request({ method: 'eth_sendRawTransaction', params: ['zz'] })).rejects.toMatchObject({
      code: -32602,
    })
    expect(() => createEvmNode(scriptedNode().client, { chain: 'cosmos:a' })).toThrow(VeilcastError)
  })
})

describe('eth_sendRawTransaction', () => {
  it('default: gives the hash once an endpoint has it; the receipt is asked for once there is one', async () => {
    const receipt = { status: '0x1' }
    const script = scriptedNode({ answer: () => receipt })
    const { call } = open(script)
    const { raw, hash } = await signed(3)
    expect(await call('eth_sendRawTransaction', raw)).toBe(hash)
    expect(script.sent).toMatchObject([{ chain, signedTx: raw, until: 'included', everyStage: true }])
    expect(await call('eth_getTransactionReceipt', hash)).toBeNull()
    expect(await call('eth_getTransactionByHash', hash)).toMatchObject({
      hash,
      from: account.address.toLowerCase(),
      nonce: '0x3',
      blockNumber: null,
    })
    expect(script.asked).toEqual([])

    script.sent[0]!.end()
    await until(async () => (await call('eth_getTransactionReceipt', hash)) !== null, 1)
    expect(script.asked.every(({ method }) => method === 'eth_getTransactionReceipt')).toBe(true)
    expect(script.asked[0]!.params).toEqual([hash])
  })

  it('behavior: the same bytes twice are one submit; over another node of the same client, too', async () => {
    const script = scriptedNode()
    const { raw, hash } = await signed(3)
    const answers = await Promise.all([
      open(script).call('eth_sendRawTransaction', raw),
      open(script).call('eth_sendRawTransaction', raw),
    ])
    expect(answers).toEqual([hash, hash])
    expect(script.sent).toHaveLength(1)
    expect(await open(script).call('eth_getTransactionReceipt', hash)).toBeNull()
  })

  it('behavior: a receipt is held until there is one, if that is wanted', async () => {
    let receipts = 0
    // The endpoint that is asked first is behind the one that told.
    const script = scriptedNode({ answer: () => (receipts++ === 0 ? null : 'the receipt') })
    const { node, call } = open(script, { holdReceipts: true })
    const { raw, hash } = await signed(3)
    await call('eth_sendRawTransaction', raw)
    const leaving = new AbortController()
    let isAnswered = false
    const held = call('eth_getTransactionReceipt', hash).finally(() => {
      isAnswered = true
    })
    const left = node.request(
      { method: 'eth_getTransactionReceipt', params: [hash] },
      { signal: leaving.signal },
    )
    leaving.abort()
    expect(await left).toBeNull()
    expect(isAnswered).toBe(false)
    script.sent[0]!.end()
    expect(await held).toBe('the receipt')
  })

  it('behavior: pending nonces count those that are on their way, of that account', async () => {
    const script = scriptedNode()
    const { call } = open(script)
    const count = (by: string, tag = 'pending') => call('eth_getTransactionCount', by, tag)
    expect(await count(account.address)).toBe('0x7')
    await call('eth_sendRawTransaction', (await signed(8)).raw)
    await call('eth_sendRawTransaction', (await signed(7)).raw)
    expect(await count(account.address)).toBe('0x9')
    expect(await count(account.address, 'latest')).toBe('0x7')
    expect(await count(other.address)).toBe('0x7')
    // One that can never be in a block holds no nonce.
    script.sent[0]!.end(new VeilcastError('lapsed'))
    await until(async () => (await count(account.address)) === '0x8', 1)
  })

  it('error: a refusal is an error of the call; then the bytes may be sent again', async () => {
    const script = scriptedNode()
    const { raw, hash } = await signed(3)
    const { call } = open({
      ...script,
      client: {
        ...script.client,
        submit: () => Promise.reject(new VeilcastError('insufficientFunds')),
      },
    })
    const error = (await call('eth_sendRawTransaction', raw).catch((error) => error)) as Error
    expect(error).toMatchObject({
      code: -32003,
      data: { errorName: 'insufficientFunds', outcome: 'notSent', retry: 'later' },
    })
    expect(error.message).toMatch(/^insufficient funds for gas/)
    await expect(call('eth_getTransactionReceipt', hash)).rejects.toMatchObject({ code: -32003 })
    await expect(call('eth_sendRawTransaction', raw)).rejects.toMatchObject({ code: -32003 })
  })

  it.each([
    ['replaced', 'onChain'],
    ['lapsed', 'unknown'],
  ] as const)('error: what was %s later is told to whoever asks for the receipt', async (name, outcome) => {
    const script = scriptedNode()
    const { call } = open(script, { holdReceipts: true })
    const { raw, hash } = await signed(3)
    await call('eth_sendRawTransaction', raw)
    const waiting = call('eth_getTransactionReceipt', hash).catch((error) => error)
    script.sent[0]!.end(new VeilcastError(name, { outcome }))
    expect(findVeilcastError(await waiting)).toMatchObject({ errorName: name, outcome })
    const again = await call('eth_sendRawTransaction', raw).catch(
      (error) => findVeilcastError(error)?.errorName,
    )
    expect([again, script.sent.length]).toEqual(name === 'replaced' ? [name, 1] : [hash, 2])
  })

  it('error: one that was sped up from here is told as soon as the other is in a block', async () => {
    const script = scriptedNode()
    const [slow, fast] = [await signed(3), await signed(3, account, 2n)]
    const { call } = open(script, { holdReceipts: true })
    await call('eth_sendRawTransaction', slow.raw)
    const waiting = call('eth_getTransactionReceipt', slow.hash).catch((error) => error)
    await call('eth_sendRawTransaction', (await signed(4)).raw)
    await call('eth_sendRawTransaction', fast.raw)
    script.sent[1]!.end()
    script.sent[2]!.end()
    expect(findVeilcastError(await waiting)).toMatchObject({
      errorName: 'replaced',
      // The block may be undone.
      outcome: 'unknown',
      values: { height: 12n },
    })
    expect(await open(script).call('eth_getTransactionReceipt', slow.hash)).toBeNull()
    script.sent[0]!.end()
    await until(async () => (await open(script).call('eth_getTransactionReceipt', slow.hash)) !== null, 1)
  })

  it('behavior: where only the following came to its end, the chain is asked', async () => {
    const script = scriptedNode({ answer: () => 'from the chain' })
    const { call } = open(script)
    const { raw, hash } = await signed(3)
    await call('eth_sendRawTransaction', raw)
    script.sent[0]!.end(new VeilcastError('replyTimeout'))
    await until(async () => (await call('eth_getTransactionReceipt', hash)) === 'from the chain', 1)
    expect(await call('eth_getTransactionByHash', hash)).toBe('from the chain')
    await call('eth_sendRawTransaction', raw)
    expect(script.sent).toHaveLength(2)
  })

  it('behavior: an abort ends the wait, not the transaction', async () => {
    const script = scriptedNode()
    const { node, call } = open(script)
    const first = await signed(3)
    const request = { method: 'eth_sendRawTransaction', params: [first.raw] }
    const before = await node.request(request, { signal: AbortSignal.abort() }).catch((error) => error)
    expect(findVeilcastError(before)).toMatchObject({ errorName: 'abortedBeforeSending', outcome: 'notSent' })
    expect(script.sent).toEqual([])

    const leaving = new AbortController()
    const sending = node.request(request, { signal: leaving.signal }).catch((error) => error)
    leaving.abort()
    expect(findVeilcastError(await sending)).toMatchObject({ errorName: 'aborted', outcome: 'unknown' })
    expect(await call('eth_getTransactionReceipt', first.hash)).toBeNull()
  })
})

describe('eth_sendRawTransactionSync', () => {
  it('default: gives the receipt; one that comes too late is error 4 with the hash', async () => {
    let receipts = 0
    const script = scriptedNode({ answer: () => (receipts++ === 0 ? null : 'the receipt') })
    const { call } = open(script)
    const { raw, hash } = await signed(3)
    await expect(call('eth_sendRawTransactionSync', raw, '0x5')).rejects.toMatchObject({
      code: 4,
      data: hash,
    })
    await expect(call('eth_sendRawTransactionSync', raw, 'soon')).rejects.toMatchObject({ code: -32602 })
    const sync = call('eth_sendRawTransactionSync', raw, 20_000)
    script.sent[0]!.end()
    // The endpoint that is asked first is behind.
    expect(await sync).toBe('the receipt')
    expect(script.sent).toHaveLength(1)
  })
})

describe('eth_fillTransaction', () => {
  const fill = async (script: ScriptedNode, tx: object) =>
    (await open(script).call('eth_fillTransaction', { from: account.address, to: other.address, ...tx })) as {
      raw: string
      tx: Record<string, string>
    }

  it('default: asks for what is missing, at once', async () => {
    const script = scriptedNode()
    const filling = fill(script, { value: '0x1' })
    await Promise.resolve()
    expect(script.asked).toHaveLength(4)
    const { tx, raw } = await filling
    expect(tx).toEqual({
      from: account.address,
      to: other.address,
      type: '0x2',
      chainId: '0x1',
      nonce: '0x7',
      gas: '0x5208',
      value: '0x1',
      input: '0x',
      // 1.2 gwei and the tip of 0.1
      maxFeePerGas: '0x4d7c6d00',
      maxPriorityFeePerGas: '0x5f5e100',
    })
    const { type, chainId, nonce, gas, value, maxFeePerGas, maxPriorityFeePerGas } = tx
    expect([type, chainId].map(Number)).toEqual([2, 1])
    expect(raw).toMatch(/^0x02/)
    const signedByThem = await account.signTransaction({
      type: 'eip1559',
      chainId: 1,
      nonce: Number(nonce),
      to: other.address,
      gas: BigInt(gas!),
      value: BigInt(value!),
      maxFeePerGas: BigInt(maxFeePerGas!),
      maxPriorityFeePerGas: BigInt(maxPriorityFeePerGas!),
    })
    // The list of the unsigned one is the beginning of the signed one's.
    expect(signedByThem).toContain(raw.slice(6))
  })

  it('behavior: what is given is not asked for', async () => {
    const script = scriptedNode()
    const given = {
      nonce: '0x1',
      gas: '0x2',
      maxFeePerGas: '0x30',
      maxPriorityFeePerGas: '0x4',
      input: '0xabcd',
      chainId: '0x1',
    }
    expect((await fill(script, given)).tx).toMatchObject(given)
    expect(script.asked).toEqual([])
    const { tx } = await fill(script, { gasPrice: '0x5', nonce: '0x1', gas: '0x2' })
    expect(tx).toMatchObject({ gasPrice: '0x5', type: '0x0' })
    expect(script.asked).toEqual([])
    // The tip is never above what the wallet gives for all.
    expect((await fill(script, { maxFeePerGas: '0x30' })).tx.maxPriorityFeePerGas).toBe('0x30')
  })

  it('behavior: a chain without a base fee has a gas price, and is known from then on', async () => {
    const answers: Record<string, unknown> = {
      eth_feeHistory: { baseFeePerGas: ['0x0', '0x0'] },
      eth_getBlockByNumber: { number: '0x1' },
      eth_gasPrice: '0x9',
      eth_getTransactionCount: '0x1',
      eth_estimateGas: '0x5208',
      eth_maxPriorityFeePerGas: '0x1',
    }
    const script = scriptedNode({ answer: ({ method }) => answers[method] })
    const { call } = open(script)
    const ask = async () =>
      (await call('eth_fillTransaction', { from: account.address, to: other.address })) as { tx: object }
    expect((await ask()).tx).toMatchObject({ type: '0x0', gasPrice: '0x9' })
    script.asked.length = 0
    expect((await ask()).tx).toMatchObject({ type: '0x0', gasPrice: '0x9' })
    expect(script.asked.map(({ method }) => method).sort()).toEqual([
      'eth_estimateGas',
      'eth_gasPrice',
      'eth_getTransactionCount',
    ])
  })

  it('behavior: a base fee of 0 is one, and a node without tips has a gas price', async () => {
    const script = scriptedNode({
      answer: ({ method }) => {
        if (method === 'eth_maxPriorityFeePerGas') throw new VeilcastError('methodNotAllowed')
        if (method === 'eth_feeHistory') return { baseFeePerGas: ['0x0', '0x0'] }
        return method === 'eth_getBlockByNumber' ? { baseFeePerGas: '0x0' } : '0x9'
      },
    })
    expect((await fill(script, {})).tx).toMatchObject({ maxFeePerGas: '0x9', maxPriorityFeePerGas: '0x9' })
  })

  it('error: another chain, no account, blobs, and a revert with its bytes', async () => {
    const script = scriptedNode({
      answer: ({ method }) => {
        if (method === 'eth_estimateGas') throw new VeilcastError('callReverted', { data: '0x12345678' })
        return '0x1'
      },
    })
    for (const bad of [
      { chainId: '0x2' },
      { from: undefined },
      { blobVersionedHashes: [] },
      { nonce: 'x' },
    ]) {
      await expect(fill(script, { gas: '0x1', gasPrice: '0x1', ...bad })).rejects.toMatchObject({
        code: -32602,
      })
    }
    await expect(fill(script, {})).rejects.toMatchObject({
      code: 3,
      message: 'execution reverted',
      data: '0x12345678',
    })
  })
})

describe('subscribe', () => {
  const subscriptions: { stop(): void }[] = []
  afterEach(() => {
    for (const subscription of subscriptions.splice(0)) subscription.stop()
  })
  const listen = (node: EvmNode, kind: 'newHeads' | 'logs', filter?: unknown) => {
    const heard: Record<string, unknown>[] = []
    const failures: unknown[] = []
    const subscription = node.subscribe(
      kind,
      filter,
      (item) => heard.push(item as Record<string, unknown>),
      (error) => failures.push(error),
    )
    subscriptions.push(subscription)
    return { heard, failures, subscription }
  }
  const hex = (number: number) => `0x${number.toString(16)}`

  /** A chain of blocks that are named by their fork: `a`, `aa`, `aab` … */
  function scriptedChain() {
    const state = { branch: 'aaaaaaaaaa', isAway: false }
    const block = (number: number) =>
      number >= state.branch.length
        ? null
        : {
            number: hex(number),
            hash: `0x${state.branch.slice(0, number + 1)}`,
            parentHash: `0x${state.branch.slice(0, number)}`,
            transactions: ['0x01'],
          }
    const script = scriptedNode({
      freshMs: 1,
      answer: ({ method, params }) => {
        if (state.isAway) throw new VeilcastError('replyTimeout', { outcome: 'notSent' })
        const [first] = params as [string | { fromBlock: string; toBlock: string }]
        const newest = state.branch.length - 1
        if (method === 'eth_blockNumber') return hex(newest)
        if (method === 'eth_getBlockByNumber') return block(first === 'latest' ? newest : Number(first))
        const { fromBlock, toBlock } = first as { fromBlock: string; toBlock: string }
        return Array.from({ length: newest + 1 }, (_, number) => block(number)!)
          .filter(({ number }) => Number(number) >= Number(fromBlock) && Number(number) <= Number(toBlock))
          .map(({ number, hash }) => ({ blockNumber: number, blockHash: hash, logIndex: '0x0' }))
      },
    })
    return { state, script }
  }

  it('default: newHeads tells each block once, also those in between', async () => {
    const { state, script } = scriptedChain()
    const { heard, subscription } = listen(open(script).node, 'newHeads')
    await until(() => heard.length === 1, 5)
    state.branch += 'aaa'
    await until(() => heard.length === 4, 5)
    expect(heard.map(({ number }) => Number(number))).toEqual([9, 10, 11, 12])
    expect(heard[0]).not.toHaveProperty('transactions')
    subscription.stop()
    const asked = script.asked.length
    state.branch += 'a'
    await new Promise((resolve) => setTimeout(resolve, 400))
    expect(script.asked).toHaveLength(asked)
    expect(heard).toHaveLength(4)
  })

  it('behavior: newHeads tells the blocks of a reorg', async () => {
    const { state, script } = scriptedChain()
    const { heard } = listen(open(script).node, 'newHeads')
    await until(() => heard.length === 1, 5)
    state.branch += 'aa'
    await until(() => heard.length === 3, 5)
    state.branch = `${state.branch.slice(0, 10)}bbb`
    await until(() => heard.length === 6, 5)
    expect(heard.map(({ hash }) => String(hash).slice(11))).toEqual(['a', 'aa', 'aaa', 'ab', 'abb', 'abbb'])
  })

  it('behavior: logs are told once each, and those that a reorg removed again', async () => {
    const { state, script } = scriptedChain()
    const { heard } = listen(open(script).node, 'logs', { address: other.address, topics: [null] })
    await until(() => script.asked.length > 0, 5)
    state.branch += 'aa'
    await until(() => heard.length === 2, 5)
    const { address, topics } = script.asked.at(-1)!.params![0 as never] as {
      address: string
      topics: unknown
    }
    expect({ address, topics }).toEqual({ address: other.address, topics: [null] })
    state.branch = `${state.branch.slice(0, 11)}bb`
    await until(() => heard.length === 5, 5)
    expect(heard.map(({ blockNumber, removed }) => [Number(blockNumber), removed ?? false])).toEqual([
      [10, false],
      [11, false],
      [11, true],
      [11, false],
      [12, false],
    ])
  })

  it('behavior: goes on when the broadcaster was away, and leaves nothing out', async () => {
    const { state, script } = scriptedChain()
    const { heard, failures } = listen(open(script).node, 'logs')
    await until(() => script.asked.length > 0, 5)
    state.isAway = true
    await until(() => failures.length === 1, 5)
    expect(failures[0]).toMatchObject({ name: 'EvmNodeError' })
    state.branch += 'aaaaaaa'
    state.isAway = false
    await until(() => heard.length === 7, 5)
    expect(heard.map(({ blockNumber }) => Number(blockNumber))).toEqual([10, 11, 12, 13, 14, 15, 16])
  })

  it('error: ends where it can never go on', async () => {
    const script = scriptedNode({
      freshMs: 1,
      answer: () => {
        throw new VeilcastError('clientStopped', { outcome: 'notSent' })
      },
    })
    const { failures } = listen(open(script).node, 'newHeads')
    await until(() => failures.length === 1, 5)
    await new Promise((resolve) => setTimeout(resolve, 1_200))
    expect(failures).toHaveLength(1)
    expect(() => open(script).node.subscribe('logs', 'all', () => {})).toThrow('filter')
  })
})
