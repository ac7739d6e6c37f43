import { resolve } from 'node:path'
import { z } from 'zod'

/** One Nym client. */
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
        .describe(
          "Keeps the client's keys, and so its address. Default: `nym.identity` in the data folder, `nym-2.identity` of the second client in a list, and so on.",
        ),
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

/** One Nym client, or several: each is a thread and a gateway, or a socket, with an address of its own. */
export const mixnetsConfig = z
  .union([mixnetConfig, z.array(mixnetConfig).min(1).max(16)])
  .transform((value): readonly MixnetConfig[] => [value].flat())
  .superRefine((mixnets, context) => {
    const places = new Map<string, number>()
    for (const [index, mixnet] of mixnets.entries()) {
      const place = placeOf(mixnet, index)
      const first = places.get(place)
      if (first === undefined) places.set(place, index)
      else {
        context.addIssue({
          code: 'custom',
          path: [index, mixnet.transport === 'nym-wasm' ? 'identityFile' : 'url'],
          message: `the same as that of entry ${first}: a Nym client has one owner`,
        })
      }
    }
  })

/** What two clients cannot share. */
function placeOf(mixnet: MixnetConfig, index: number): string {
  if (mixnet.transport === 'nym-socket') return new URL(mixnet.url).href
  return mixnet.identityFile === undefined ? String(index) : resolve(mixnet.identityFile)
}
