import { z } from 'zod'
import { chainFamilies } from '../chains/registry.ts'

/**
 * The whole configuration, one schema a room. Unknown keys are errors: a misspelt limit would otherwise be no limit.
 */

const mixnetConfig = z.discriminatedUnion('transport', [
  z.strictObject({
    /** Nym's own client, in a thread of this process. */
    transport: z.literal('nym-wasm'),
    nymApiUrl: z.url({ protocol: /^https?$/, error: 'an http or https URL' }),
    /** The entry gateway's identity key in base58. */
    preferredGateway: z.string().max(64).optional(),
    /** Keeps the keys, and so the address. Default: nym.identity in the data folder. */
    identityFile: z.string().optional(),
    disableCoverTraffic: z.boolean().default(false),
    disablePacing: z.boolean().default(false),
  }),
  z.strictObject({
    /** A native nym-client beside this process. */
    transport: z.literal('nym-socket'),
    url: z.url({ protocol: /^wss?$/, error: 'a ws or wss URL' }).default('ws://127.0.0.1:1977'),
    allowUnprotectedRemote: z.boolean().default(false),
  }),
])

const storeConfig = z.discriminatedUnion('kind', [
  z.strictObject({
    /** Real Postgres from npm, in the data folder: nothing to install. */
    kind: z.literal('embedded'),
    dataDir: z.string().optional(),
  }),
  z.strictObject({
    kind: z.literal('postgres'),
    url: z.string().regex(/^postgres(ql)?:\/\//, 'a postgres:// URL'),
  }),
  z.strictObject({ kind: z.literal('redis'), url: z.string().regex(/^rediss?:\/\//, 'a redis:// URL') }),
])

/** Each chain is read by its family's own schema, which its namespace names. */
const chainConfig = z.looseObject({ chain: z.string() }).transform((value, context) => {
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
    for (const issue of parsed.error.issues) {
      context.addIssue({ code: 'custom', path: [...issue.path], message: faultOf(issue) })
    }
    return z.NEVER
  }
  const config = parsed.data as { readonly chain: string; readonly pollIntervalMs: number }
  return { chain: config.chain, pollIntervalMs: config.pollIntervalMs, create: () => family.create(config) }
})

export const broadcasterConfig = z.strictObject({
  /** Where everything that outlives the process lies. Relative to the configuration file. */
  dataDir: z.string().default('.veilcast'),
  /** 32 bytes, mode 0600, made at the first run: without it the store cannot be read. Default: veilcast.key in the data folder. */
  keyFile: z.string().optional(),
  mixnet: mixnetConfig,
  /** Default: REDIS_URL, else DATABASE_URL, else embedded. */
  store: storeConfig.optional(),
  chains: z
    .array(chainConfig)
    .min(1)
    .max(64)
    .refine(
      (list) => new Set(list.map(({ chain }) => chain)).size === list.length,
      'two chains have the same id',
    ),
  limits: z
    .strictObject({
      maxWaitingPerChain: z.int().min(1).max(1_000_000).default(4096),
      maxWaitingPerAccount: z.int().min(1).max(4096).default(32),
      /** How long a transaction waits for a predecessor that may never come, and no longer than its notAfter. */
      maxLaneWaitMs: z.int().min(1000).max(86_400_000).default(600_000),
      /** Kept records of one chain of which no byte was handed over; beyond, its refusals leave none. */
      maxUnsentPerChain: z.int().min(1).max(10_000_000).default(100_000),
    })
    .prefault({}),
  /** How long the outcome of a transaction can be asked for after its end. A privacy setting. */
  retentionSeconds: z
    .int()
    .min(60)
    .max(30 * 86_400)
    .default(86_400),
  /** Handed over and not seen in a block for this long: handed over again, then after pauses that double to 10 minutes. */
  rebroadcastAfterMs: z.int().min(1000).max(3_600_000).default(60_000),
  http: z
    .strictObject({
      host: z.string().default('127.0.0.1'),
      /** 0 picks a free one. */
      port: z.int().min(0).max(65_535).default(8645),
    })
    .prefault({}),
  logLevel: z.enum(['silent', 'error', 'warn', 'info', 'debug']).default('info'),
})

export type BroadcasterConfig = z.output<typeof broadcasterConfig>
export type MixnetConfig = z.output<typeof mixnetConfig>

/** The configuration is wrong. Says where, and what would be right; never a value, which may be a secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/** @throws ConfigError with a line for each fault */
export function parseConfig(value: unknown, source: string): BroadcasterConfig {
  const parsed = broadcasterConfig.safeParse(value)
  if (parsed.success) return parsed.data
  const lines = parsed.error.issues.map(
    (issue) => `  ${issue.path.map(wordOf).join('.') || '(whole file)'}: ${faultOf(issue)}`,
  )
  throw new ConfigError(`${source} is no valid configuration:\n${lines.join('\n')}`)
}

function faultOf(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'unrecognized_keys') return issue.message
  return `unknown ${issue.keys.length === 1 ? 'key' : 'keys'} ${issue.keys.map(wordOf).join(', ')}`
}

/** A value that lost its key, as an URL in braces, is read as a key: only what looks like one is repeated. */
function wordOf(key: PropertyKey): string {
  const text = String(key)
  return /^([A-Za-z-]{1,32}|\d{1,4})$/.test(text) ? text : '(no plain word)'
}
