import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Hex, keccak256 } from 'viem'

/** What a node gives for bytes that were handed to it: JSON-RPC's `result` or `error`, or whatever else it writes itself. */
export type SendAnswer =
  | { readonly result: unknown }
  | { readonly error: unknown }
  | ((response: ServerResponse, hash: Hex) => void)

/** An EVM node whose every word a test decides. One block, no mining: what it takes stays in its pool. */
export interface FakeEvm {
  readonly url: string
  chainId: bigint
  /** The next nonce of each account, in lower case; others have 0. */
  readonly nonces: Map<string, number>
  /** Of accounts that are not named: 1 ether each. */
  readonly balances: Map<string, bigint>
  baseFee: bigint
  /** Hashes of what it was handed, in the order of their coming. */
  readonly seen: Hex[]
  /** Transactions that it finds in its block. */
  readonly mined: Set<Hex>
  /** What it says to bytes that are handed to it, once it has them. Default: their hash. */
  onSend: (raw: Hex, hash: Hex) => SendAnswer | Promise<SendAnswer>
  /** Calls of a method, or of all but eth_sendRawTransaction and those of the probe; each call of a batch counts. */
  calls(method?: string): number
  /** HTTP requests, those of the probe left out. */
  requests(): number
  stop(): Promise<void>
}

const blockHash = `0x${'ab'.repeat(32)}`
const probed = new Set(['eth_chainId', 'eth_blockNumber'])

export async function startFakeEvm(chainId = 31_337n): Promise<FakeEvm> {
  const counts = new Map<string, number>()
  let requests = 0

  const answer = (method: string, [first]: readonly unknown[]): unknown => {
    switch (method) {
      case 'eth_chainId':
        return hex(node.chainId)
      case 'eth_blockNumber':
        return hex(1n)
      case 'eth_getTransactionCount':
        return hex(BigInt(node.nonces.get(String(first)) ?? 0))
      case 'eth_getBalance':
        return hex(node.balances.get(String(first)) ?? 10n ** 18n)
      case 'eth_getBlockByNumber':
        return { baseFeePerGas: hex(node.baseFee), gasLimit: hex(30_000_000n) }
      case 'eth_getTransactionReceipt':
        if (!node.mined.has(first as Hex)) return null
        return {
          transactionHash: first,
          blockHash,
          blockNumber: hex(1n),
          from: `0x${'00'.repeat(20)}`,
          transactionIndex: '0x0',
          status: '0x1',
          gasUsed: hex(21_000n),
        }
      default:
        throw new Error(`The fake node has no ${method}.`)
    }
  }

  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = JSON.parse(Buffer.concat(chunks).toString())
    const calls: { id: number; method: string; params: unknown[] }[] = Array.isArray(body) ? body : [body]
    for (const { method } of calls) counts.set(method, (counts.get(method) ?? 0) + 1)
    if (!calls.every(({ method }) => probed.has(method))) requests++
    response.setHeader('content-type', 'application/json')
    const raw = calls[0]?.method === 'eth_sendRawTransaction' ? (calls[0].params[0] as Hex) : undefined
    if (raw !== undefined) {
      const hash = keccak256(raw)
      node.seen.push(hash)
      const said = await node.onSend(raw, hash)
      if (typeof said === 'function') said(response, hash)
      else response.end(JSON.stringify({ jsonrpc: '2.0', id: calls[0]?.id, ...said }))
      return
    }
    const answers = calls.map(({ id, method, params }) => ({
      jsonrpc: '2.0',
      id,
      result: answer(method, params),
    }))
    response.end(JSON.stringify(Array.isArray(body) ? answers : answers[0]))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  const node: FakeEvm = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    chainId,
    nonces: new Map(),
    balances: new Map(),
    baseFee: 1_000_000_000n,
    seen: [],
    mined: new Set(),
    onSend: (_raw, hash) => ({ result: hash }),
    calls(method) {
      if (method !== undefined) return counts.get(method) ?? 0
      return [...counts]
        .filter(([name]) => name !== 'eth_sendRawTransaction' && !probed.has(name))
        .reduce((sum, [, count]) => sum + count, 0)
    },
    requests: () => requests - node.seen.length,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return node
}

function hex(value: bigint): Hex {
  return `0x${value.toString(16)}`
}
