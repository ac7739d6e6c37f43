import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { type ChainId, isChainId, maxTransactionBytes } from '@veilcast/shared/protocol'
import { z } from 'zod'
import { cosmosEndpointConfigs } from '../endpoints/EndpointConfig.ts'
import { maxReadCallsPerSecond } from '../reads/config.ts'

/** What an operator writes about one Cosmos chain. */
export const cosmosChainConfig = z
  .strictObject({
    /** CAIP-2: `cosmos:` and the chain id, or `hashed-` and 16 hex digits of its SHA-256 where it does not fit (CAIP-5). */
    chain: z.string().refine(isCosmosChain, 'cosmos:<chain id>, as in cosmos:cosmoshub-4'),
    /** The chain id as it is signed. Needed where `chain` has its hashed form. */
    cometChainId: z.string().min(1).max(50).optional(),
    /** What the chain's account addresses begin with: `cosmos`, `osmo`. */
    bech32Prefix: z.string().regex(/^[a-z][a-z0-9]{0,19}$/, 'lower-case letters and digits, at most 20'),
    endpoints: cosmosEndpointConfigs,
    maxTransactionBytes: z.int().min(1).max(maxTransactionBytes).default(65_536),
    maxSigners: z.int().min(1).max(16).default(7),
    /** How often the chain is asked for a new block. */
    pollIntervalMs: z.int().min(100).max(60_000).default(1_000),
    /** How often each endpoint is asked for its health. */
    probeIntervalMs: z.int().min(100).max(600_000).default(3_000),
    /** For each request to an endpoint. */
    requestTimeoutMs: z.int().min(100).max(60_000).default(8_000),
    /** Further below the others an endpoint is left alone. */
    maxBlocksBehind: z.int().min(0).max(10_000).default(5),
    /** Of a block, and of its results, as JSON. */
    maxBlockBytes: z.int().min(1_048_576).max(268_435_456).default(67_108_864),
    /** What the path of an `abci_query` may begin with when a wallet asks; only the `Query` services are answered. */
    queryPathPrefixes: z
      .array(z.string().regex(/^\/[a-zA-Z0-9./]{1,63}$/, 'a slash, then letters, digits, dots and slashes'))
      .max(16)
      .default(['/cosmos.', '/ibc.', '/cosmwasm.wasm.', '/feemarket.']),
    maxReadCallsPerSecond,
  })
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
