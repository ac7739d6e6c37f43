import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { keccak256, recoverTransactionAddress } from 'viem'

export interface Call {
  readonly method: string
  readonly params: readonly unknown[]
}

/** What an endpoint answers to one call; `ask` asks the node. */
export type Answerer = (
  call: Call,
  ask: (method: string, params: readonly unknown[]) => Promise<unknown>,
) => Promise<unknown>

export interface CrookedEndpoint {
  readonly url: string
  /** From now on it answers like this; default: as the node. `next` is asked once for each HTTP request. */
  show(next: (() => Answerer) | undefined): void
  /** Calls of a method that arrived, or of all methods; each call of a batch counts. */
  calls(method?: string): number
  stop(): Promise<void>
}

/** A JSON-RPC endpoint whose answers have the right form and are not those of its node. */
export async function startCrookedEndpoint(nodeUrl: string): Promise<CrookedEndpoint> {
  let next: () => Answerer = () => honest
  const counts = new Map<string, number>()

  async function ask(method: string, params: readonly unknown[]): Promise<unknown> {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
    const response = await fetch(nodeUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    const answer = (await response.json()) as { result?: unknown; error?: object }
    if (answer.error) throw answer.error
    return answer.result
  }

  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = JSON.parse(Buffer.concat(chunks).toString())
    const answerer = next()
    const answer = async ({ id, method, params }: Call & { id: number }) => {
      counts.set(method, (counts.get(method) ?? 0) + 1)
      try {
        return { jsonrpc: '2.0', id, result: await answerer({ method, params }, ask) }
      } catch (error) {
        return { jsonrpc: '2.0', id, error }
      }
    }
    const answers = Array.isArray(body) ? await Promise.all(body.map(answer)) : await answer(body)
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answers))
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    show(answerers = () => honest) {
      next = answerers
    },
    calls: (method) =>
      method === undefined ? [...counts.values()].reduce((a, b) => a + b, 0) : (counts.get(method) ?? 0),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

export const honest: Answerer = ({ method, params }, ask) => ask(method, params)

/** The true blocks, and in them a failure of what succeeded: of this transaction, or of all. */
export function inventsFailure(hash?: string): Answerer {
  const failed = (receipt: { transactionHash: string }) =>
    hash === undefined || receipt.transactionHash === hash ? { ...receipt, status: '0x0' } : receipt
  return async (call, ask) => {
    const answer = await honest(call, ask)
    if (call.method === 'eth_getTransactionReceipt') return answer && failed(answer as never)
    return call.method === 'eth_getBlockReceipts' ? (answer as never[])?.map(failed) : answer
  }
}

/** The true hashes over blocks without a transaction. */
export const emptyBlocks: Answerer = async (call, ask) => {
  const answer = await honest(call, ask)
  if (call.method === 'eth_getBlockByNumber') return answer && { ...(answer as object), transactions: [] }
  if (call.method === 'eth_getBlockReceipts') return []
  return call.method === 'eth_getTransactionReceipt' ? null : answer
}

/** Of a fork: up to this block the chain's, and from there on others with the same transactions in them. */
export function forksAbove(height: bigint): Answerer {
  type Told = { number?: string; blockNumber?: string; hash: string; parentHash: string; blockHash: string }
  const flip = (hash: string) => `0x${(Number.parseInt(hash[2]!, 16) ^ 15).toString(16)}${hash.slice(3)}`
  const moved = (told: Told) => {
    const above = BigInt(told.number ?? told.blockNumber ?? 0) - height
    if (above <= 0n) return told
    if (told.number === undefined) return { ...told, blockHash: flip(told.blockHash) }
    return {
      ...told,
      hash: flip(told.hash),
      parentHash: above > 1n ? flip(told.parentHash) : told.parentHash,
    }
  }
  return async (call, ask) => {
    const answer = await honest(call, ask)
    if (call.method === 'eth_getBlockReceipts') return (answer as Told[] | null)?.map(moved)
    const isAbout = call.method === 'eth_getBlockByNumber' || call.method === 'eth_getTransactionReceipt'
    return isAbout && answer ? moved(answer as Told) : answer
  }
}

/** Keeps what it is handed to itself, and tells of a block of its own making on top of the chain's, with it in there. */
export function makesUpBlocks(): Answerer {
  const kept: { hash: string; from: string }[] = []
  const hash = `0x${'ee'.repeat(32)}`
  const receiptOf = (one: { hash: string; from: string }, number: string, index: number) => ({
    transactionHash: one.hash,
    blockHash: hash,
    blockNumber: number,
    from: one.from,
    transactionIndex: `0x${index.toString(16)}`,
    status: '0x1',
    gasUsed: '0x5208',
  })
  return async (call, ask) => {
    const [first, isFull] = call.params
    if (call.method === 'eth_sendRawTransaction') {
      const raw = first as `0x${string}`
      kept.push({
        hash: keccak256(raw),
        from: await recoverTransactionAddress({ serializedTransaction: raw as never }),
      })
      return keccak256(raw)
    }
    if (kept.length === 0) return ask(call.method, call.params)
    const top = (await ask('eth_getBlockByNumber', ['latest', false])) as { number: string; hash: string }
    const number = `0x${(Number(top.number) + 1).toString(16)}`
    const receipts = kept.map((one, index) => receiptOf(one, number, index))
    switch (call.method) {
      case 'eth_blockNumber':
        return number
      case 'eth_getBlockByNumber': {
        if (first !== 'latest' && first !== number) return ask(call.method, call.params)
        const transactions = kept.map((one) => (isFull ? { ...one, nonce: '0x0' } : one.hash))
        return { ...top, number, hash, parentHash: top.hash, transactions }
      }
      case 'eth_getBlockReceipts':
        return first === number ? receipts : ask(call.method, call.params)
      case 'eth_getTransactionReceipt':
        return receipts.find(({ transactionHash }) => transactionHash === first) ?? null
      default:
        return ask(call.method, call.params)
    }
  }
}

/** A node that has not seen the newest blocks yet. */
export function behind(blocks: number): Answerer {
  return async ({ method, params }, ask) => {
    const top = Math.max(0, Number(await ask('eth_blockNumber', [])) - blocks)
    const at = (height: unknown) =>
      height === 'latest' || height === 'pending' ? `0x${top.toString(16)}` : height
    const isAbove = (height: unknown) =>
      typeof height === 'string' && height.startsWith('0x') && Number(height) > top
    switch (method) {
      case 'eth_blockNumber':
        return `0x${top.toString(16)}`
      case 'eth_getBlockByNumber':
      case 'eth_getBlockReceipts':
        return isAbove(params[0]) ? null : ask(method, [at(params[0]), ...params.slice(1)])
      case 'eth_getTransactionReceipt': {
        const receipt = (await ask(method, params)) as { blockNumber: string } | null
        return receipt && isAbove(receipt.blockNumber) ? null : receipt
      }
      case 'eth_getTransactionCount':
      case 'eth_getBalance':
        if (isAbove(params[1])) throw { code: -32000, message: 'header not found' }
        return ask(method, [params[0], at(params[1])])
      default:
        return ask(method, params)
    }
  }
}

/** A CometBFT node that has not seen the newest blocks yet. */
export function behindComet(blocks: number): Answerer {
  return async ({ method, params }, ask) => {
    const status = (await ask('status', [])) as { sync_info: Record<string, unknown> }
    const top = Math.max(1, Number(status.sync_info.latest_block_height) - blocks)
    const { height } = params as unknown as { height?: string }
    switch (method) {
      case 'status': {
        const { block_id, block } = (await ask('block', { height: String(top) } as never)) as {
          block_id: { hash: string }
          block: { header: { time: string } }
        }
        const sync_info = {
          ...status.sync_info,
          latest_block_height: String(top),
          latest_block_hash: block_id.hash,
          latest_block_time: block.header.time,
        }
        return { ...status, sync_info }
      }
      case 'block':
      case 'block_results':
        if (Number(height) > top) {
          const data = `height ${height} must be less than or equal to the current blockchain height ${top}`
          throw { code: -32603, message: 'Internal error', data }
        }
        return ask(method, params)
      case 'tx': {
        const found = (await ask(method, params)) as { height: string; hash: string }
        if (Number(found.height) <= top) return found
        throw { code: -32603, message: 'Internal error', data: `tx (${found.hash}) not found` }
      }
      default:
        return ask(method, params)
    }
  }
}
