import { type ChainId, isChainId } from '@veilcast/shared/protocol'
import { z } from 'zod'
import { checkOperators, choiceConfig, endpointConfigs, paceConfig } from '../endpoints/EndpointConfig.ts'
import { maxReadCallsPerSecond } from '../reads/config.ts'

/** What geth's pool takes of one transaction without blobs. */
const maxBytesWithoutBlobs = 131_072
const maxBytesWithBlobs = 1_000_000

/** What an operator writes about one EVM chain. */
export const evmChainConfig = z
  .strictObject({
    chain: z
      .string()
      .regex(/^eip155:[1-9][0-9]{0,31}$/, 'eip155:<chain id>, as in eip155:1')
      .refine((text): boolean => isChainId(text))
      .describe('The CAIP-2 id: `eip155:` and the chain id.'),
    endpoints: endpointConfigs,
    ...choiceConfig,
    finality: z
      .discriminatedUnion('rule', [
        z.strictObject({
          rule: z.literal('finalized').describe("Up to the chain's own `finalized` block."),
        }),
        z.strictObject({
          rule: z.literal('confirmations').describe('With so many blocks on top.'),
          confirmations: z.int().min(1).max(10_000).describe('Blocks on top, its own not counted.'),
        }),
        z.strictObject({ rule: z.literal('instant').describe('As soon as it is in a block.') }),
      ])
      .default({ rule: 'finalized' })
      .describe('When a block is final.'),
    allowBlobs: z
      .boolean()
      .default(false)
      .describe('Whether blob transactions are taken, with their sidecars.'),
    maxTransactionBytes: z
      .int()
      .min(1024)
      .max(maxBytesWithBlobs)
      .optional()
      .describe('Bytes of one transaction. Default and limit: 131072, with `allowBlobs` 1000000.'),
    maxInitCodeBytes: z
      .int()
      .min(1)
      .default(49_152)
      .describe("Bytes of a contract's init code (EIP-3860), where the chain allows other than usual."),
    ...paceConfig,
    maxBlockBytes: z
      .int()
      .min(1_048_576)
      .max(268_435_456)
      .default(67_108_864)
      .describe('Bytes of a block with its receipts, as JSON.'),
    maxLogsRangeBlocks: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(1_000)
      .describe("Blocks that one `eth_getLogs` of a wallet's may span."),
    maxReadCallsPerSecond,
  })
  .superRefine(checkOperators)
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
