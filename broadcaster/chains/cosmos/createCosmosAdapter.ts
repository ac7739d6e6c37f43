import { agreeOnPreflight, goesOn } from '../agreeOnPreflight.ts'
import { type ChainAdapter, ChainUnavailable, type InspectedTx } from '../ChainAdapter.ts'
import { createEndpointPool } from '../endpoints/createEndpointPool.ts'
import { operatorsToSubmitTo } from '../endpoints/EndpointConfig.ts'
import { EndpointProblem } from '../endpoints/EndpointProblem.ts'
import { untilAborted } from '../endpoints/withDeadline.ts'
import { findAgreed } from '../findAgreed.ts'
import { createHandedLately } from '../handedLately.ts'
import { slotUseAgreed } from '../slotUseAgreed.ts'
import { ownOf, witnessBlock, witnessedIn } from '../witnessBlock.ts'
import { addressOf } from './account.ts'
import { type CometNode, createCometNode } from './cometNode.ts'
import type { CosmosChainConfig } from './config.ts'
import type { CosmosTx } from './decodeTx.ts'
import { findReplacing } from './findReplacing.ts'
import { findTx } from './findTx.ts'
import { inspect } from './inspect.ts'
import { preflight } from './preflight.ts'
import { createQuery } from './query.ts'
import { readAccount } from './readAccount.ts'
import { readBlock } from './readBlock.ts'
import { readBlockHash } from './readBlockHash.ts'
import { readStatus } from './readStatus.ts'
import { readsOf, rememberAccounts } from './rememberAccounts.ts'
import { slotUse } from './slotUse.ts'
import { submitTx } from './submitTx.ts'

/** What was read so shortly ago is taken for what is: nothing is refused by it. */
const maxAccountAgeMs = 1_000

/** A chain of the Cosmos SDK, by CometBFT's JSON-RPC: 0.37, 0.38 and 1.0. Each block is final. */
export function createCosmosAdapter(config: CosmosChainConfig): ChainAdapter {
  const { chain, cometChainId, bech32Prefix, maxTransactionBytes, requestTimeoutMs } = config
  const submitsTo = operatorsToSubmitTo(config.submit)

  const pool = createEndpointPool<CometNode>({
    endpoints: config.endpoints.map((endpoint) => ({
      id: endpoint.id,
      operator: endpoint.operator,
      client: createCometNode(endpoint, cometChainId, requestTimeoutMs),
    })),
    probe: async (node, signal) => {
      const { height } = await readStatus(node, cometChainId, signal)
      return { onRightChain: true, height }
    },
    probeIntervalMs: config.probeIntervalMs,
    probeTimeoutMs: requestTimeoutMs,
    maxBlocksBehind: config.maxBlocksBehind,
    askTimeoutMs: requestTimeoutMs,
    choice: config.endpointChoice,
  })

  const remembered = rememberAccounts(pool, maxAccountAgeMs)
  const lately = createHandedLately(maxAccountAgeMs)
  const { query, heard } = createQuery(pool, config)

  return {
    chain,
    family: 'cosmos',
    finality: { rule: 'instant', confirmations: 0 },
    maxTransactionBytes,
    maxBlockBytes: config.maxBlockBytes,
    operators: pool.operators,
    start: () => pool.start(),
    stop: () => pool.stop(),
    live: () => pool.live(),

    inspect: (signedTx) => inspect(signedTx, config),

    async preflight(tx, options) {
      const parsed = parsedIn(tx)
      try {
        if (!lately.isOutrun(tx)) {
          const said = await untilAborted(preflight(remembered, parsed, config), options?.signal)
          if (goesOn(said)) return said
        }
        const question = async (node: CometNode, signal: AbortSignal) => {
          // A probe may have seen it on the right chain a moment ago.
          await readStatus(node, cometChainId, signal)
          return preflight(readsOf(node, signal), parsed, config)
        }
        return agreeOnPreflight(await pool.askTwo(question, goesOn, options))
      } catch (error) {
        if (error instanceof ChainUnavailable) return { kind: 'unavailable' }
        throw error
      }
    },

    pickEndpoints: (options) => pool.pick({ ...options, operators: submitsTo }),

    async submit(id, tx, options) {
      try {
        const handed = await pool.askOne(id, (node, signal) => submitTx(node, tx, signal), options)
        lately.handed(tx, handed.kind)
        return handed
      } catch (error) {
        if (!(error instanceof EndpointProblem)) throw error
        return { kind: 'unavailable' }
      }
    },

    async head(options) {
      const head = await pool.ask(
        async (node, signal, { id: from }) => ({ from, ...(await readStatus(node, cometChainId, signal)) }),
        options,
      )
      heard(head.height, head.timeMs)
      return head
    },

    readBlock: (height, options) =>
      pool.ask(async (node, signal, { id: from }) => {
        const block = await readBlock(node, height, config, signal)
        return block && { from, ...block }
      }, options),

    witness(block, txIds, options = {}) {
      const own = ownOf(block, txIds)
      const question = async (node: CometNode, signal: AbortSignal) => {
        const found = await readBlock(node, block.height, config, signal)
        return found && witnessedIn(found, own)
      }
      return witnessBlock(pool, block, own, question, options)
    },

    isFinalElsewhere: async () => true,

    blockHash: (height, options) =>
      pool.ask((node, signal) => readBlockHash(node, cometChainId, height, signal), options),

    find: (txId, options = {}) =>
      findAgreed(pool, (node, signal) => findTx(node, cometChainId, txId, signal), options),

    slotUse: (tx, height, options = {}) =>
      slotUseAgreed(pool, (node, signal) => slotUse(node, tx, height, config, signal), options),

    findReplacing: (tx, height, options) =>
      pool.ask((node, signal) => findReplacing(node, tx, height, bech32Prefix, signal), options),

    async nextSequence(account, options) {
      const address = addressOf(account, bech32Prefix)
      if (address === undefined) return null
      const found = await pool.ask((node, signal) => readAccount(node, address, signal), options)
      if (found.kind === 'foreign')
        throw new ChainUnavailable('The account is of a kind that cannot be read.')
      return found.kind === 'absent' ? null : found.sequence
    },

    revertData: async () => new Uint8Array(),

    query,

    endpoints: () => pool.health(),
    onAnswer: (listener) => pool.onAnswer(listener),
  }
}

/** `parsed` is what our own `inspect` made. */
function parsedIn(tx: InspectedTx): CosmosTx {
  return tx.parsed as CosmosTx
}
