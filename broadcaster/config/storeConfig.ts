import { z } from 'zod'

const redisUrl = z.string().regex(/^rediss?:\/\//, 'a redis:// URL')

/** Where the record and the queues are kept. */
export const storeConfig = z.discriminatedUnion('kind', [
  z
    .strictObject({
      kind: z.literal('embedded').describe('Real Postgres from npm, in the data folder: nothing to install.'),
      dataDir: z
        .string()
        .optional()
        .describe("The folder of Postgres' own files. Default: `postgres` in the data folder."),
    })
    .describe('Postgres inside of the data folder, for one process on one machine.'),
  z
    .strictObject({
      kind: z.literal('postgres').describe('A Postgres server.'),
      url: z
        .string()
        .regex(/^postgres(ql)?:\/\//, 'a postgres:// URL')
        .describe('A postgres:// URL, with user, password and database.'),
    })
    .describe('A Postgres server, which several processes may share.'),
  z
    .strictObject({
      kind: z.literal('redis').describe('A Redis or Valkey server, or a cluster of them.'),
      url: z
        .union([redisUrl, z.array(redisUrl).min(1).max(16)])
        .describe(
          'A redis:// or rediss:// URL, with its password; of a cluster one of its nodes, or a list of them.',
        ),
      cluster: z
        .boolean()
        .default(false)
        .describe('Whether it is a Redis Cluster. All of it lies on one or two of its nodes.'),
    })
    .refine(({ url, cluster }) => cluster || typeof url === 'string', {
      path: ['url'],
      message: 'one URL, unless cluster is true',
    })
    .describe('A Redis or Valkey server, which several processes may share.'),
])
