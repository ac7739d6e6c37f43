import { randomBytes } from 'node:crypto'
import { createLogger, createVault, type Store } from '@veilcast/broadcaster'
import { newRequestId, parseChainId, type TxState } from '@veilcast/shared/protocol'
import { type Hex, hexToBytes } from 'viem'
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { evmChainConfig } from '../../broadcaster/dist/chains/evm/config.js'
import { createEvmAdapter } from '../../broadcaster/dist/chains/evm/createEvmAdapter.js'
import { createMetrics } from '../../broadcaster/dist/observability/metrics.js'
import { createSettle } from '../../broadcaster/dist/stages/settle.js'
import { createSubmitStage } from '../../broadcaster/dist/stages/submit.js'
import { createSubmitJobs } from '../../broadcaster/dist/stages/submitJobs.js'
import { stateOf } from '../../broadcaster/dist/store/stateOf.js'
import type { TxKey, TxRecord } from '../../broadcaster/dist/store/TxStore.js'
import type { FakeEvm } from './fakeEvm.ts'
import { until } from './until.ts'

const chain = parseChainId('eip155:31337')

/** The submit stage by itself, over a real store and queue, at nodes that a test has in its hand. */
export async function startSubmitStage(
  store: Store,
  nodes: readonly FakeEvm[],
  more: {
    readonly maxLaneWaitMs?: number
    readonly requestTimeoutMs?: number
    readonly probeIntervalMs?: number
    readonly submit?: object
    /** Of another stage, to go on with its records. Default: a key of its own. */
    readonly secret?: Uint8Array
  } = {},
) {
  const { records, queues } = store
  const vault = createVault(more.secret ?? randomBytes(32))
  const config = evmChainConfig.parse({
    chain,
    endpoints: nodes.map(({ url }, index) => ({ id: `n${index}`, url })),
    requestTimeoutMs: more.requestTimeoutMs ?? 30_000,
    ...(more.submit && { submit: more.submit }),
  })
  // Below what an operator may set: what is set aside for long comes back within the test.
  const adapter = createEvmAdapter({ ...config, probeIntervalMs: more.probeIntervalMs ?? 100 })
  await adapter.start()
  await until(() => adapter.endpoints().every(({ live }) => live))
  const chains = new Map([[chain, adapter]])
  const metrics = createMetrics()
  const settle = createSettle({ records, vault, retentionSeconds: 3600, metrics, chains })
  const submitJobs = createSubmitJobs(queues)
  const worker = createSubmitStage({
    chains,
    records,
    queues,
    vault,
    settle,
    maxLaneWaitMs: more.maxLaneWaitMs ?? 600_000,
    metrics,
    logger: createLogger(process.env.VEILCAST_TEST_LOG === '1' ? 'debug' : 'silent'),
  })
  void worker.run()

  /** As the ingress does: the record, without a job yet. */
  async function admit(raw: Hex, notAfterMs = Date.now() + 600_000): Promise<TxRecord> {
    const signedTx = hexToBytes(raw)
    const tx = adapter.inspect(signedTx)
    const key = vault.keyOf(chain, signedTx)
    const laneMac = vault.laneMac(chain, tx.account!)
    const { record } = await records.admit({
      key,
      chain,
      txIdMac: vault.txIdMac(chain, tx.txId),
      laneMac,
      sequence: vault.hideSequence(laneMac, tx.sequence!),
      bytes: vault.seal(signedTx, key, 'bytes'),
      txId: vault.seal(tx.txId, key, 'txId'),
      requestMac: vault.requestMac(newRequestId()),
      notAfterMs,
      nowMs: Date.now(),
    })
    return record
  }

  return {
    adapter,
    settle,
    admit,
    addJob: (record: TxRecord, options?: { readonly again: boolean }) => submitJobs.add(record, options),
    /** Both at once. */
    async take(raw: Hex, notAfterMs?: number): Promise<TxKey> {
      const record = await admit(raw, notAfterMs)
      await submitJobs.add(record)
      return record.key
    },
    record: async (key: TxKey): Promise<TxRecord> => (await records.get(key))!,
    recordOf: (raw: Hex): Promise<TxRecord | null> => records.get(vault.keyOf(chain, hexToBytes(raw))),
    /** What a wallet would be told now. */
    told: async (key: TxKey): Promise<TxState> => stateOf((await records.get(key))!, vault, 'fsync'),
    tellOf: (record: TxRecord): TxState => stateOf(record, vault, 'fsync'),
    /** Jobs that wait, are delayed or at work. */
    async jobs(): Promise<number> {
      const counts = await queues.queue('submit').getJobCounts('waiting', 'active', 'delayed', 'prioritized')
      return Object.values(counts).reduce((sum, count) => sum + count, 0)
    },
    async stop(): Promise<void> {
      worker.cancelAllJobs('stopping')
      await worker.close()
      await adapter.stop()
    },
  }
}

export function newAccount(): PrivateKeyAccount {
  return privateKeyToAccount(generatePrivateKey())
}

export function signAt(account: PrivateKeyAccount, nonce: number, more: object = {}): Promise<Hex> {
  return account.signTransaction({
    type: 'eip1559',
    chainId: 31_337,
    nonce,
    to: `0x${'11'.repeat(20)}`,
    value: 1n,
    gas: 21_000n,
    maxFeePerGas: 10n ** 10n,
    maxPriorityFeePerGas: 10n ** 9n,
    ...more,
  })
}
