import { z } from 'zod'
import { roles } from '../Role.ts'
import { chainsConfig } from './chainConfig.ts'
import { httpConfig } from './httpConfig.ts'
import { limitsConfig } from './limitsConfig.ts'
import { mixnetsConfig } from './mixnetConfig.ts'
import { storeConfig } from './storeConfig.ts'
import { telemetryConfig } from './telemetryConfig.ts'

/**
 * The whole configuration, one schema a room. Unknown keys are errors: a misspelt limit would otherwise be no limit. Every key
 * is described: docs/configuration.md is written from here.
 */
const configFile = z.strictObject({
  role: z
    .enum(roles)
    .default('all')
    .describe('What this process does: `ingress` speaks to wallets, `worker` to chains, `all` is both.'),
  dataDir: z
    .string()
    .default('.veilcast')
    .describe('The folder of everything that outlives the process. Relative to this file.'),
  keyFile: z
    .string()
    .optional()
    .describe(
      '32 bytes, mode 0600, made at the first run: without it the store cannot be read. Default: `veilcast.key` in the data folder.',
    ),
  mixnet: mixnetsConfig.describe(
    'How wallets reach this broadcaster through the mixnet: one Nym client, or a list of 1 to 16, each with an address of its own.',
  ),
  store: storeConfig
    .optional()
    .describe(
      'Where the record and the queues are kept. Default: `REDIS_URL`, else `DATABASE_URL`, else embedded.',
    ),
  chains: chainsConfig.describe('The chains that are served, 1 to 64.'),
  limits: limitsConfig.prefault({}).describe('How much is taken in.'),
  retentionSeconds: z
    .int()
    .min(60)
    .max(30 * 86_400)
    .default(86_400)
    .describe('Seconds that the outcome of a transaction can be asked for after its end. A privacy setting.'),
  rebroadcastAfterMs: z
    .int()
    .min(1000)
    .max(3_600_000)
    .default(60_000)
    .describe(
      'Milliseconds after which what was handed over and is in no block is handed over again; then after pauses that double to ten minutes.',
    ),
  drainLimitMs: z
    .int()
    .min(1000)
    .max(300_000)
    .default(10_000)
    .describe(
      'Milliseconds that a stop may take: what is under way is finished or handed back. Give whoever sends SIGKILL some seconds more.',
    ),
  telemetry: telemetryConfig.optional().describe('Where spans of requests and stages go. Default: nowhere.'),
  http: httpConfig.prefault({}).describe('The dashboard, with its health and metrics pages.'),
  logLevel: z
    .enum(['silent', 'error', 'warn', 'info', 'debug'])
    .default('info')
    .describe('What is logged on standard error: this and all that is graver.'),
})

export const broadcasterConfig = configFile.transform(({ mixnet, ...rest }) => ({ ...rest, mixnets: mixnet }))

export type BroadcasterConfig = z.output<typeof broadcasterConfig>

/** The configuration is wrong. Says where, and what would be right; never a value, which may be a secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}
