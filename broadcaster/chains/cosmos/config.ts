import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { type ChainId, isChainId, maxTransactionBytes } from '@veilcast/shared/protocol'
import { z } from 'zod'
import {
  checkOperators,
  choiceConfig,
  cosmosEndpointConfigs,
  paceConfig,
} from '../endpoints/EndpointConfig.ts'
import { maxReadCallsPerSecond } from '../reads/config.ts'

/** What an operator writes about one Cosmos chain. */
export const cosmosChainConfig = z
  .strictObject({
    chain: z
      .string()
      .refine(isCosmosChain, 'cosmos:<chain id>, as in cosmos:cosmoshub-4')
      .describe(
        'The CAIP-2 id: `cosmos:` and the chain id, or `hashed-` and 16 hex digits of its SHA-256 where it does not fit (CAIP-5).',
      ),
    cometChainId: z
      .string()
      .min(1)
      .max(50)
      .optional()
      .describe('The chain id as it is signed. Needed where `chain` has its hashed form.'),
    bech32Prefix: z
      .string()
      .regex(/^[a-z][a-z0-9]{0,19}$/, 'lower-case letters and digits, at most 20')
      .describe("What the chain's account addresses begin with: `cosmos`, `osmo`."),
    endpoints: cosmosEndpointConfigs,
    ...choiceConfig,
    maxTransactionBytes: z
      .int()
      .min(1)
      .max(maxTransactionBytes)
      .default(65_536)
      .describe('Bytes of one transaction.'),
    maxSigners: z.int().min(1).max(16).default(7).describe('Signers of one transaction.'),
    ...paceConfig,
    maxBlockBytes: z
      .int()
      .min(1_048_576)
      .max(268_435_456)
      .default(67_108_864)
      .describe('Bytes of a block, and of its results, as JSON.'),
    queryPathPrefixes: z
      .array(z.string().regex(/^\/[a-zA-Z0-9./]{1,63}$/, 'a slash, then letters, digits, dots and slashes'))
      .max(16)
      .default(['/cosmos.', '/ibc.', '/cosmwasm.wasm.', '/feemarket.'])
      .describe(
        'What the path of an `abci_query` may begin with when a wallet asks; only the `Query` services are answered.',
      ),
    maxReadCallsPerSecond,
  })
  .superRefine(checkOperators)
  .transform((config, context) => {
    const cometChainId = config.cometChainId ?? config.chain.slice(namespace.length)
    if (cosmosChainOf(cometChainId) !== config.chain) {
      context.addIssue({
        code: 'custom',
        path: ['cometChainId'],
        message: `is needed, and its CAIP-2 form has to be ${config.chain}`,
      })
      return z.NEVER
    }
    return { ...config, chain: config.chain as ChainId, cometChainId }
  })

export type CosmosChainConfig = z.output<typeof cosmosChainConfig>

const namespace = 'cosmos:'

/** CAIP-5: the chain id itself where it fits, else the first 16 hex digits of its SHA-256. */
export function cosmosChainOf(cometChainId: string): ChainId {
  const fits = /^[-a-zA-Z0-9]{1,32}$/.test(cometChainId) && !cometChainId.startsWith('hashed-')
  const reference = fits
    ? cometChainId
    : `hashed-${bytesToHex(sha256(utf8ToBytes(cometChainId))).slice(0, 16)}`
  return `${namespace}${reference}` as ChainId
}

function isCosmosChain(text: string): boolean {
  return text.startsWith(namespace) && isChainId(text)
}
