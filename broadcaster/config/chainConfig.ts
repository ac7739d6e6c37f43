import { z } from 'zod'
import type { ChainAdapter } from '../chains/ChainAdapter.ts'
import type { CosmosEndpointConfig } from '../chains/endpoints/EndpointConfig.ts'
import { chainFamilies } from '../chains/registry.ts'

/** What is asked of each chain's settings, whatever its family. */
export interface ChainSetting {
  readonly chain: string
  readonly pollIntervalMs: number
  readonly endpoints: readonly CosmosEndpointConfig[]
  readonly cometChainId?: string | undefined
  readonly bech32Prefix?: string | undefined
  /** All of them, as its family reads them. */
  readonly settings: object
  create(): ChainAdapter
}

/** Each chain is read by its family's own schema, which its namespace names. */
export const chainConfig = z
  .looseObject({ chain: z.string().describe('The CAIP-2 id, as in `eip155:1` or `cosmos:cosmoshub-4`.') })
  .transform((value, context) => {
    const namespace = value.chain.split(':')[0] ?? ''
    const family = Object.hasOwn(chainFamilies, namespace) ? chainFamilies[namespace] : undefined
    if (!family) {
      context.addIssue({
        code: 'custom',
        path: ['chain'],
        message: `a CAIP-2 id of one of these families: ${Object.keys(chainFamilies).join(', ')}`,
      })
      return z.NEVER
    }
    const parsed = family.config.safeParse(value)
    if (!parsed.success) {
      for (const issue of parsed.error.issues) context.issues.push(issue as z.core.$ZodRawIssue)
      return z.NEVER
    }
    const config = parsed.data as Omit<ChainSetting, 'create' | 'settings'>
    const { chain, pollIntervalMs, endpoints, cometChainId, bech32Prefix } = config
    return {
      chain,
      pollIntervalMs,
      endpoints,
      cometChainId,
      bech32Prefix,
      settings: config,
      create: () => family.create(config),
    } satisfies ChainSetting
  })

export const chainsConfig = z
  .array(chainConfig)
  .min(1)
  .max(64)
  .refine(
    (list) => new Set(list.map(({ chain }) => chain)).size === list.length,
    'two chains have the same id',
  )
