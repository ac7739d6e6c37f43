import { type ChainId, isChainId } from '@veilcast/shared/protocol'
import { z } from 'zod'
import { endpointConfigs } from '../endpoints/EndpointConfig.ts'
import { maxReadCallsPerSecond } from '../reads/config.ts'

/** What geth's pool takes of one transaction without blobs. */
const maxBytesWithoutBlobs = 131_072
const maxBytesWithBlobs = 1_000_000

/** What an operator writes about one EVM chain. */
export const evmChainConfig = z
  .strictObject({
    /** CAIP-2: `eip155:` and the chain id. */
    chain: z
      .string()
      .regex(/^eip155:[1-9][0-9]{0,31}$/, 'eip155:<chain id>, as in eip155:1')
      .refine((text): boolean => isChainId(text)),
    endpoints: endpointConfigs,
    /** When a block is final: by the chain's own tag, by so many blocks on top of it, or at once. */
    finality: z
      .discriminatedUnion('rule', [
        z.strictObject({ rule: z.literal('finalized') }),
        z.strictObject({ rule: z.literal('confirmations'), confirmations: z.int().min(1).max(10_000) }),
        z.strictObject({ rule: z.literal('instant') }),
      ])
      .default({ rule: 'finalized' }),
    /** Whether blob transactions are taken, with their sidecars. */
    allowBlobs: z.boolean().default(false),
    /** Default and limit 128 KiB; with blobs 1 MB. */
    maxTransactionBytes: z.int().min(1024).max(maxBytesWithBlobs).optional(),
    /** EIP-3860 */
    maxInitCodeBytes: z.int().min(1).default(49_152),
    /** How often the chain is asked for a new block. */
    pollIntervalMs: z.int().min(100).max(60_000).default(1_000),
    /** How often each endpoint is asked for its health. */
    probeIntervalMs: z.int().min(100).max(600_000).default(3_000),
    /** For each request to an endpoint. */
    requestTimeoutMs: z.int().min(100).max(60_000).default(8_000),
    /** Further below the others an endpoint is left alone. */
    maxBlocksBehind: z.int().min(0).max(10_000).default(5),
    /** Of a block with its receipts, as JSON. */
    maxBlockBytes: z.int().min(1_048_576).max(268_435_456).default(67_108_864),
    /** Of a wallet's `eth_getLogs`. */
    maxLogsRangeBlocks: z.int().min(1).max(1_000_000).default(1_000),
    maxReadCallsPerSecond,
  })
  .transform((config, context) => {
    const limit = config.allowBlobs ? maxBytesWithBlobs : maxBytesWithoutBlobs
    const maxTransactionBytes = config.maxTransactionBytes ?? limit
    if (maxTransactionBytes > limit) {
      context.addIssue({
        code: 'custom',
        path: ['maxTransactionBytes'],
        message: `is at most ${limit} unless allowBlobs is set`,
      })
      return z.NEVER
    }
    return { ...config, chain: config.chain as ChainId, maxTransactionBytes }
  })

export type EvmChainConfig = z.output<typeof evmChainConfig>
