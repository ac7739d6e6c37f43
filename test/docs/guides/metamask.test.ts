import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { countTraffic, defaultPort, type RpcEndpoint, serveRpc } from '@veilcast/client/rpc'
import { signEthTransfer } from '../../support/devnetSign.ts'
import { clientProgram, endAll, root, run } from '../../support/processes.ts'
import { ask } from '../../support/rpcEndpoint.ts'
import { until } from '../../support/until.ts'
import { startWalletStack, type WalletStack } from '../../support/walletStack.ts'

const page = readFileSync(join(root, 'docs/guides/metamask.md'), 'utf8')
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, 'gm'))].map(([, text]) => text!)
const [network, calls] = blocks('json').map((text) => JSON.parse(text))
const extension = /chrome-extension:\/\/[a-p]{32}/.exec(page)![0]

describe('docs/guides/metamask.md', () => {
  let stack: WalletStack
  let endpoint: RpcEndpoint
  beforeAll(async () => {
    stack = await startWalletStack({ network: 'loopback', evm: { chainId: 1, blockTimeMs: 500 } })
    const { traffic } = countTraffic(stack.dialer())
    endpoint = await serveRpc({ client: stack.client, port: 0, allowExtensions: true, traffic })
  }, 60_000)
  afterEach(() => endAll())
  afterAll(async () => {
    await endpoint?.stop()
    await stack?.stop()
  })

  it('its commands are ones that veilcast takes', async () => {
    const { stdout } = await run(process.execPath, [clientProgram, 'rpc', '--help']).ended
    const options = blocks('sh').flatMap((text) => text.match(/--[a-z-]+/g)!)
    expect(options).toContain('--allow-extensions')
    for (const option of [...options, '--allow-origin']) expect(stdout).toContain(option)
  })

  it('its network is where the endpoint serves that chain', () => {
    const url = new URL(network.rpcUrls[0])
    expect([url.hostname, Number(url.port)]).toEqual(['127.0.0.1', defaultPort])
    expect(url.pathname.slice(1)).toBe(String(Number(network.chainId)))
  })

  it("its calls, from the extension's origin, are answered as by the node itself; then it sends", async () => {
    const { pathname } = new URL(network.rpcUrls[0])
    const post = async (body: unknown) => {
      const headers = { origin: extension, 'content-type': 'application/json' }
      const { status, json, headers: told } = await ask(endpoint, { path: pathname, headers, body })
      expect([status, told['access-control-allow-origin']]).toEqual([200, extension])
      return json
    }
    // MetaMask makes them one by one, as they come up.
    for (const call of calls) {
      const answer = await post(call)
      expect(answer).toMatchObject({ id: call.id, jsonrpc: '2.0' })
      const direct = await stack.anvil.rpc(call.method, call.params)
      expect([call.method, typeof answer.result]).toEqual([call.method, typeof direct])
      if (
        ['eth_chainId', 'net_version', 'eth_getBalance', 'eth_getCode', 'eth_estimateGas'].includes(
          call.method,
        )
      )
        expect(answer.result).toBe(direct)
    }
    const together = await post(calls)
    expect(together.map(({ error }: { error?: unknown }) => error)).toEqual(calls.map(() => undefined))

    const signedTx = await signEthTransfer(stack.anvil, {
      from: stack.anvil.accounts[0]!,
      to: '0x00000000000000000000000000000000000000aa',
      valueWei: 1n,
    })
    const { result: hash } = await post({
      id: 1,
      jsonrpc: '2.0',
      method: 'eth_sendRawTransaction',
      params: [signedTx],
    })
    expect(hash).toMatch(/^0x[0-9a-f]{64}$/)
    const receipt = () => post({ id: 2, jsonrpc: '2.0', method: 'eth_getTransactionReceipt', params: [hash] })
    await until(async () => (await receipt()).result !== null)
    expect((await receipt()).result).toMatchObject({ transactionHash: hash, status: '0x1' })
    expect(endpoint.state().submits).toMatchObject([{ chain: 'eip155:1', shortHash: `${hash.slice(0, 6)}…` }])
  }, 60_000)
})
