import { afterEach, describe, expect, it } from '@jest/globals'
import { VeilcastError } from '@veilcast/client'
import { announceProvider, createEip1193Provider, findVeilcastError } from '@veilcast/client/eip1193'
import { recoverTransactionAddress } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { scriptedNode } from '../../support/scriptedNode.ts'

const account = privateKeyToAccount(`0x${'11'.repeat(32)}`)
const chains = ['eip155:1', 'eip155:10']
const to = `0x${'22'.repeat(20)}`

describe('createEip1193Provider', () => {
  it('default: fills, signs and sends', async () => {
    const { client, sent, asked } = scriptedNode()
    const provider = createEip1193Provider({ client, chains, signer: account })
    const hash = await provider.request({
      method: 'eth_sendTransaction',
      params: [{ from: account.address, to, value: '0x1' }],
    })
    expect(hash).toMatch(/^0x[0-9a-f]{64}$/)
    expect(sent).toHaveLength(1)
    expect(sent[0]!.chain).toBe('eip155:1')
    expect(await recoverTransactionAddress({ serializedTransaction: sent[0]!.signedTx as never })).toBe(
      account.address,
    )
    expect(asked.map(({ method }) => method).sort()).toEqual([
      'eth_estimateGas',
      'eth_feeHistory',
      'eth_getTransactionCount',
      'eth_maxPriorityFeePerGas',
    ])
  })

  it('behavior: many at once take one nonce each', async () => {
    const { client, nonces } = scriptedNode()
    const provider = createEip1193Provider({ client, chains, signer: account })
    const send = () => provider.request({ method: 'eth_sendTransaction', params: [{ to, gas: '0x5208' }] })
    await Promise.all([send(), send(), send()])
    expect(await nonces()).toEqual([7, 8, 9])
  })

  it('behavior: a signer that is a provider is asked for signatures, and for nothing else', async () => {
    const { client, sent } = scriptedNode()
    const signerAsked: string[] = []
    const signer = {
      async request({ method, params }: { method: string; params?: unknown }) {
        signerAsked.push(method)
        if (method === 'eth_accounts') return [account.address]
        if (method === 'personal_sign') throw Object.assign(new Error('The user said no.'), { code: 4001 })
        const [tx] = params as [Record<string, string>]
        const { from: _, input, type: __, chainId, nonce, gas, value, ...fees } = tx
        const raw = await account.signTransaction({
          type: 'eip1559',
          to: fees.to as `0x${string}`,
          data: input as `0x${string}`,
          chainId: Number(chainId),
          nonce: Number(nonce),
          gas: BigInt(gas!),
          value: BigInt(value!),
          maxFeePerGas: BigInt(fees.maxFeePerGas!),
          maxPriorityFeePerGas: BigInt(fees.maxPriorityFeePerGas!),
        })
        return { raw, tx }
      },
    }
    const provider = createEip1193Provider({ client, chains, signer })
    await provider.request({ method: 'eth_sendTransaction', params: [{ to }] })
    await provider.request({ method: 'eth_blockNumber' })
    for (const method of ['eth_sign', 'wallet_sendCalls', 'wallet_addEthereumChain', 'debug_traceCall']) {
      const error = await provider.request({ method, params: [] }).catch((error) => error)
      expect(error).toMatchObject({ name: 'ProviderRpcError', code: 4200 })
    }
    await expect(
      provider.request({ method: 'personal_sign', params: ['0x00', account.address] }),
    ).rejects.toMatchObject({ code: 4001 })
    await expect(provider.request({ method: 'personal_sign', params: ['0x00', to] })).rejects.toMatchObject({
      code: 4100,
    })
    expect(sent).toHaveLength(1)
    expect(new Set(signerAsked)).toEqual(new Set(['eth_accounts', 'eth_signTransaction', 'personal_sign']))
  })

  it('behavior: switches between its chains, and says so', async () => {
    const { client, sent } = scriptedNode()
    const provider = createEip1193Provider({ client, chains, signer: account })
    const changes: string[] = []
    const hear = (chainId: string) => changes.push(chainId)
    provider.on('chainChanged', hear)
    const to10 = (chainId: string) =>
      provider.request({ method: 'wallet_switchEthereumChain', params: [{ chainId }] })
    expect(await to10('0xa')).toBeNull()
    expect(await provider.request({ method: 'eth_chainId' })).toBe('0xa')
    expect(await to10('0xa')).toBeNull()
    await expect(to10('0x89')).rejects.toMatchObject({ code: 4902 })
    await provider.request({ method: 'eth_sendTransaction', params: [{ to }] })
    expect(sent[0]!.chain).toBe('eip155:10')
    await expect(
      provider.request({ method: 'eth_sendTransaction', params: [{ to, chainId: '0x1' }] }),
    ).rejects.toMatchObject({ code: -32602 })
    provider.removeListener('chainChanged', hear)
    await to10('0x1')
    expect(changes).toEqual(['0xa'])
  })

  it('behavior: tells when the mixnet is away and back', async () => {
    let isAway = false
    const { client } = scriptedNode({
      answer: () => {
        if (isAway) throw new VeilcastError('mixnetUnavailable')
        return '0x1'
      },
    })
    const provider = createEip1193Provider({ client, chains, signer: account })
    const told: unknown[] = []
    provider.on('connect', (info) => told.push(info))
    provider.on('disconnect', (error) => told.push(error.code))
    const ask = () => provider.request({ method: 'eth_blockNumber' }).catch((error) => error)
    await ask()
    isAway = true
    const error = await ask()
    expect(findVeilcastError(error)?.errorName).toBe('mixnetUnavailable')
    await ask()
    isAway = false
    await ask()
    expect(told).toEqual([{ chainId: '0x1' }, 4900, { chainId: '0x1' }])
  })

  it('behavior: a subscription is told by message events, until it is ended', async () => {
    let height = 10
    const { client } = scriptedNode({
      answer: ({ method }) =>
        method === 'eth_getBlockByNumber'
          ? {
              number: `0x${(height++).toString(16)}`,
              hash: `0x${height}`,
              parentHash: '0x',
              transactions: ['0x'],
            }
          : '0x1',
      freshMs: 1,
    })
    const provider = createEip1193Provider({ client, chains, signer: account })
    const heads: unknown[] = []
    const id = await provider.request({ method: 'eth_subscribe', params: ['newHeads'] })
    await new Promise<void>((resolve) => {
      provider.on('message', ({ type, data }) => {
        expect(type).toBe('eth_subscription')
        expect(data.subscription).toBe(id)
        expect(data.result.transactions).toBeUndefined()
        if (heads.push(data.result.number) === 2) resolve()
      })
    })
    expect(await provider.request({ method: 'eth_unsubscribe', params: [id] })).toBe(true)
    expect(await provider.request({ method: 'eth_unsubscribe', params: [id] })).toBe(false)
    await expect(
      provider.request({ method: 'eth_subscribe', params: ['newPendingTransactions'] }),
    ).rejects.toMatchObject({ code: -32602 })
  })

  it('error: bad requests', async () => {
    const provider = createEip1193Provider({ client: scriptedNode().client, chains, signer: account })
    for (const args of [
      { method: 1 },
      { method: 'eth_call', params: 'x' },
      { method: 'eth_sendTransaction' },
    ]) {
      await expect(provider.request(args as never)).rejects.toMatchObject({ code: -32602 })
    }
    expect(() =>
      createEip1193Provider({ client: scriptedNode().client, chains: [], signer: account }),
    ).toThrow(VeilcastError)
  })
})

describe('announceProvider', () => {
  const page = globalThis as { window?: EventTarget }
  const { window: before } = page
  afterEach(() => {
    if (before) page.window = before
    else delete page.window
  })
  const info = { name: 'Example', icon: 'data:image/svg+xml,<svg/>', rdns: 'org.example.wallet' }

  it('default: announces now, when it is asked for, and no more when ended', () => {
    const provider = createEip1193Provider({ client: scriptedNode().client, chains, signer: account })
    page.window = new EventTarget()
    const heard: CustomEvent[] = []
    page.window.addEventListener('eip6963:announceProvider', (event) => heard.push(event as CustomEvent))
    const stop = announceProvider(provider, info)
    page.window.dispatchEvent(new Event('eip6963:requestProvider'))
    stop()
    page.window.dispatchEvent(new Event('eip6963:requestProvider'))
    expect(heard).toHaveLength(2)
    expect(heard[0]!.detail).toEqual({ provider, info: { ...info, uuid: expect.any(String) } })
    expect(heard[1]!.detail.info.uuid).toBe(heard[0]!.detail.info.uuid)
  })

  it('behavior: does nothing where there is no window', () => {
    delete page.window
    const provider = createEip1193Provider({ client: scriptedNode().client, chains, signer: account })
    announceProvider(provider, info)()
  })

  it('error: an icon from somewhere', () => {
    const provider = createEip1193Provider({ client: scriptedNode().client, chains, signer: account })
    expect(() => announceProvider(provider, { ...info, icon: 'https://example.org/icon.png' })).toThrow(
      VeilcastError,
    )
  })
})
