import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export type CometVersion = '0.37' | '0.38' | '1.0'
export const cometVersions: readonly CometVersion[] = ['0.37', '0.38', '1.0']

export interface FakeTx {
  readonly bytes: Uint8Array
  readonly code?: number
  readonly codespace?: string
  readonly gasWanted?: number
  readonly gasUsed?: number
  readonly events?: unknown
}

/** What one method answers: a result, or an error that is thrown. */
type Handler = (params: Record<string, unknown>) => unknown

export class NodeError extends Error {
  readonly data: string
  readonly code: number
  constructor(data: string, code = -32_603) {
    super('Internal error')
    this.data = data
    this.code = code
  }
}

export interface FakeComet {
  readonly url: string
  /** Methods in the order of the calls. */
  readonly calls: string[]
  readonly handlers: Map<string, Handler>
  addBlock(txs?: readonly FakeTx[]): { height: number; hash: string }
  /** The newest block's results are not there yet. */
  withholdResults: boolean
  stop(): Promise<void>
}

/**
 * A CometBFT node with blocks at will, in the form of each version as their sources write it (rpc/core/types,
 * rpc/core/blocks.go, rpc/core/env.go) and as nodes of 0.37.18, 0.38.11 and 1.0.1 answered.
 */
export async function startFakeComet(version: CometVersion, chainId = 'fake-1'): Promise<FakeComet> {
  const blocks: { txs: readonly FakeTx[]; hash: string; time: string }[] = []
  const calls: string[] = []

  const at = (height: unknown) => {
    const index = Number(height ?? blocks.length)
    if (index > blocks.length) {
      throw new NodeError(
        `height ${index} must be less than or equal to the current blockchain height ${blocks.length}`,
      )
    }
    const block = blocks[index - 1]
    if (!block) throw new NodeError(`height ${index} is not available, lowest height is 1`)
    return { ...block, height: index, parent: blocks[index - 2]?.hash ?? '' }
  }
  const header = ({ height, time, parent }: ReturnType<typeof at>) => ({
    version: { block: '11', app: '1' },
    chain_id: chainId,
    height: String(height),
    time,
    last_block_id: { hash: parent, parts: { total: parent ? 1 : 0, hash: parent } },
    app_hash: '0000000000000000',
  })
  const result = (tx: FakeTx) => ({
    code: tx.code ?? 0,
    data: null,
    log: '',
    info: '',
    gas_wanted: String(tx.gasWanted ?? 0),
    gas_used: String(tx.gasUsed ?? 0),
    events: tx.events ?? [],
    codespace: tx.codespace ?? '',
  })
  const ofVersion =
    version === '0.37'
      ? { begin_block_events: null, end_block_events: null }
      : { finalize_block_events: null, app_hash: 'AgAAAAAAAAA=' }

  const handlers = new Map<string, Handler>([
    [
      'status',
      () => ({
        node_info: {
          protocol_version: { p2p: version === '1.0' ? '9' : '8', block: '11', app: '1' },
          id: 'e2ef2149079ab01abdd476c1c7129aca18541e65',
          listen_addr: 'tcp://10.0.0.7:26656',
          network: chainId,
          version: { '0.37': '0.37.18', '0.38': '0.38.11', '1.0': '1.0.1' }[version],
          channels: '402021222330386061',
          moniker: 'secret-moniker',
          other: { tx_index: 'on', rpc_address: 'tcp://10.0.0.7:26657' },
        },
        sync_info: {
          latest_block_hash: at(undefined).hash,
          latest_app_hash: '0200000000000000',
          latest_block_height: String(blocks.length),
          latest_block_time: at(undefined).time,
          catching_up: false,
        },
        validator_info: {
          address: '72FE0761DC635D58AF67FDBA08DE70FF00D94597',
          pub_key: { type: 'tendermint/PubKeyBls12_381', value: 'AA==' },
          voting_power: '10',
        },
      }),
    ],
    ['abci_info', () => ({ response: { data: 'fake', last_block_height: String(blocks.length) } })],
    [
      'block',
      ({ height }) => {
        const block = at(height)
        const txs = block.txs.map(({ bytes }) => Buffer.from(bytes).toString('base64'))
        return {
          block_id: { hash: block.hash, parts: { total: 1, hash: block.hash } },
          // Go writes an empty list as null or as [], as it was made.
          block: { header: header(block), data: { txs: version === '0.37' || txs.length ? txs : null } },
        }
      },
    ],
    [
      'block_results',
      ({ height }) => {
        const block = at(height)
        if (node.withholdResults && block.height === blocks.length) {
          throw new NodeError(`could not find results for height #${block.height}`)
        }
        return {
          height: String(block.height),
          txs_results: block.txs.length ? block.txs.map(result) : null,
          ...ofVersion,
          validator_updates: [{ pub_key_bytes: 'AA==', pub_key_type: 'bls12_381', power: '1' }],
          consensus_param_updates: null,
        }
      },
    ],
    [
      'blockchain',
      ({ minHeight }) => {
        const block = at(minHeight)
        return {
          last_height: String(blocks.length),
          block_metas: [{ block_id: { hash: block.hash }, header: header(block) }],
        }
      },
    ],
    [
      'tx',
      ({ hash }) => {
        const wanted = Buffer.from(String(hash), 'base64').toString('hex')
        for (const [index, { txs }] of blocks.entries()) {
          const tx = txs.find(({ bytes }) => hashOf(bytes) === wanted)
          if (!tx) continue
          return {
            hash: wanted.toUpperCase(),
            height: String(index + 1),
            index: 0,
            tx_result: result(tx),
            tx: Buffer.from(tx.bytes).toString('base64'),
          }
        }
        throw new NodeError(`tx (${wanted.toUpperCase()}) not found`)
      },
    ],
  ])

  const answerTo = ({
    id,
    method,
    params,
  }: {
    id: number
    method: string
    params: Record<string, unknown>
  }) => {
    calls.push(method)
    try {
      const handler = handlers.get(method)
      if (!handler) throw new NodeError('Method not found', -32_601)
      return { jsonrpc: '2.0', id, result: handler(params) }
    } catch (error) {
      const { code, message, data } = error as NodeError
      return { jsonrpc: '2.0', id, error: { code, message, data } }
    }
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const asked = JSON.parse(Buffer.concat(chunks).toString())
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(Array.isArray(asked) ? asked.map(answerTo) : answerTo(asked)))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  const node: FakeComet = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    handlers,
    withholdResults: false,
    addBlock(txs = []) {
      const height = blocks.length + 1
      const hash = hashOf(Buffer.from(`${chainId} ${height}`)).toUpperCase()
      blocks.push({ txs, hash, time: `2026-11-22T15:39:${String(height).padStart(2, '0')}.072126227Z` })
      return { height, hash }
    },
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  node.addBlock()
  return node
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
