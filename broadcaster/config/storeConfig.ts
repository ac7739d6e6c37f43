import { z } from 'zod'

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
      kind: z.literal('redis').describe('A Redis server.'),
      url: z
        .string()
        .regex(/^rediss?:\/\//, 'a redis:// URL')
        .describe('A redis:// or rediss:// URL, with its password.'),
    })
    .describe('A Redis server, which several processes may share.'),
])
