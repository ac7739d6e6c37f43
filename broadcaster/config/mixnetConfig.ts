import { z } from 'zod'

/** How this process is reached through the mixnet. */
export const mixnetConfig = z.discriminatedUnion('transport', [
  z
    .strictObject({
      transport: z.literal('nym-wasm').describe("Nym's own client, in a thread of this process."),
      nymApiUrl: z
        .url({ protocol: /^https?$/, error: 'an http or https URL' })
        .describe('The Nym API that tells of the network. An http or https URL.'),
      preferredGateway: z
        .string()
        .max(64)
        .optional()
        .describe("The entry gateway's identity key in base58. Default: one that Nym's client chooses."),
      identityFile: z
        .string()
        .optional()
        .describe("Keeps the client's keys, and so its address. Default: `nym.identity` in the data folder."),
      disableCoverTraffic: z
        .boolean()
        .default(false)
        .describe('Sends nothing while there is nothing to send: an observer then sees when you answer.'),
      disablePacing: z
        .boolean()
        .default(false)
        .describe('Sends as fast as it can instead of at random times: for local networks and tests.'),
    })
    .describe("Nym's own client, inside of the broadcaster: nothing else to install."),
  z
    .strictObject({
      transport: z.literal('nym-socket').describe('A native nym-client beside this process.'),
      url: z
        .url({ protocol: /^wss?$/, error: 'a ws or wss URL' })
        .default('ws://127.0.0.1:1977')
        .describe("The nym-client's websocket. A ws or wss URL."),
      allowUnprotectedRemote: z
        .boolean()
        .default(false)
        .describe('Allows plain ws to another machine: whoever is between reads and answers for you.'),
    })
    .describe('A native nym-client, run beside the broadcaster.'),
])

export type MixnetConfig = z.output<typeof mixnetConfig>
