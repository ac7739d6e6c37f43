import type { ChainAdapter, InspectedTx } from '../ChainAdapter.ts'
import { createEndpointPool } from '../endpoints/createEndpointPool.ts'
import { resultOf } from '../endpoints/createRpcCaller.ts'
import { operatorsToSubmitTo } from '../endpoints/EndpointConfig.ts'
import type { ProbeResult } from '../endpoints/EndpointPool.ts'
import type { EvmChainConfig } from './config.ts'
import { createEvmClient, type EvmClient } from './EvmClient.ts'
import { find } from './find.ts'
import { findReplacing } from './findReplacing.ts'
import { createReadHead, isFinalElsewhere, readBlockHash } from './head.ts'
import { type InspectedEvmTx, inspect } from './inspect.ts'
import { quantityOf, toHex } from './nodeValues.ts'
import { createPreflight } from './preflight.ts'
import { createQuery } from './query.ts'
import { readBlock } from './readBlock.ts'
import { revertData } from './revertData.ts'
import { slotUse } from './slotUse.ts'
import { submit } from './submit.ts'
import { witness } from './witness.ts'

/** An EVM chain behind one or more JSON-RPC endpoints. */
export function createEvmAdapter(config: EvmChainConfig): ChainAdapter {
  const { chain, finality, maxTransactionBytes, allowBlobs, requestTimeoutMs } = config
  const submitsTo = operatorsToSubmitTo(config.submit)
  const chainId = BigInt(chain.slice('eip155:'.length))
  const pool = createEndpointPool({
    endpoints: config.endpoints.map((endpoint) => ({
      id: endpoint.id,
      operator: endpoint.operator,
      client: createEvmClient(endpoint, requestTimeoutMs),
    })),
    probe: (client, signal) => probe(client, chainId, signal),
    probeIntervalMs: config.probeIntervalMs,
    maxBlocksBehind: config.maxBlocksBehind,
    askTimeoutMs: requestTimeoutMs,
    choice: config.endpointChoice,
  })

  const { preflight, handed, heardBlock } = createPreflight(pool, {
    chainId,
    maxInitCodeBytes: config.maxInitCodeBytes,
  })
  const readHead = createReadHead(pool, chainId, finality, heardBlock)

  const { query, heard } = createQuery(pool, chainId, config)

  return {
    chain,
    family: 'evm',
    finality: {
      rule: finality.rule,
      confirmations: finality.rule === 'confirmations' ? finality.confirmations : 0,
    },
    maxTransactionBytes,
    maxBlockBytes: config.maxBlockBytes,
    operators: pool.operators,
    start: () => pool.start(),
    stop: () => pool.stop(),
    live: () => pool.live(),
    endpoints: () => pool.health(),
    pickEndpoints: (options) => pool.pick({ ...options, operators: submitsTo }),
    onAnswer: (listener) => pool.onAnswer(listener),

    inspect: (signedTx) => inspect(signedTx, { chainId, maxTransactionBytes, allowBlobs }),
    preflight: (tx, options = {}) => preflight(inspectedHere(tx), options),
    async submit(endpoint, tx, options = {}) {
      const result = await submit(pool, endpoint, tx, options)
      handed(inspectedHere(tx), result.kind)
      return result
    },
    async head(options = {}) {
      const head = await readHead(options)
      heard(head.height, head.timeMs)
      return head
    },
    readBlock: (height, options = {}) => readBlock(pool, height, config.maxBlockBytes, options),
    witness: (block, txIds, options = {}) =>
      witness(pool, chainId, block, txIds, config.maxBlockBytes, options),
    isFinalElsewhere: (than, block, options = {}) =>
      isFinalElsewhere(pool, chainId, finality, than, block, options),
    blockHash: (height, options = {}) => readBlockHash(pool, chainId, height, options),
    find: (txId, options = {}) => find(pool, txId, options),
    slotUse: (tx, height, options = {}) => slotUse(pool, chainId, tx, height, options),
    findReplacing: (tx, height, options = {}) =>
      findReplacing(pool, tx, height, config.maxBlockBytes, options),
    nextSequence: (account, options = {}) =>
      pool.ask(async (client, signal) => {
        const params = [toHex(account), 'latest']
        return quantityOf(await client.call('eth_getTransactionCount', params, { signal }))
      }, options),
    revertData: (tx, inclusion, options = {}) =>
      revertData(pool, inspectedHere(tx).parsed, inclusion, options),
    query,
  }
}

/** Only this adapter's `inspect` makes what is given back to it. */
function inspectedHere(tx: InspectedTx): InspectedEvmTx {
  return tx as InspectedEvmTx
}

async function probe(client: EvmClient, chainId: bigint, signal: AbortSignal): Promise<ProbeResult> {
  const [id, height] = await client.batch(
    [
      { method: 'eth_chainId', params: [] },
      { method: 'eth_blockNumber', params: [] },
    ],
    { signal },
  )
  return { onRightChain: quantityOf(resultOf(id), 256) === chainId, height: quantityOf(resultOf(height)) }
}
