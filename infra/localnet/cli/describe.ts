import type { NetworkCounters } from '../counters/createTallies.ts'
import type { NativeClientStandIn } from '../nativeSocket/startNativeClientStandIn.ts'
import type { Localnet } from '../startLocalnet.ts'

/** What a person needs to connect. */
export function describeNetwork(localnet: Localnet, nativeClient: NativeClientStandIn | undefined): string {
  const native = nativeClient
    ? `\nA native nym-client, as far as its websocket goes, listens on ${nativeClient.url}\n  address           ${nativeClient.address}\n`
    : ''
  return `A local Nym network is running.
  nym-api           ${localnet.nymApiUrl}
  gateway           ${localnet.gatewayUrl}
  preferredGateway  ${localnet.preferredGateway}
  seed              ${localnet.seed}

Connect @nymproject/nym-client-wasm-node 1.4.1, or @nymproject/sdk-full-fat 1.4.1 in a browser, with
  nymApiUrl         '${localnet.nymApiUrl}'
  preferredGateway  '${localnet.preferredGateway}'
  forceTls          false
${native}
Ctrl-C stops it.
`
}

/** A line per client, the busiest first. */
export function describeCounters({ clients, hops }: NetworkCounters): string {
  const rows = Object.entries(clients)
    .sort(([, a], [, b]) => b.bytesUp - a.bytesUp)
    .slice(0, MAX_ROWS)
    .map(([id, c]) => [
      `${id.slice(0, 8)}…`,
      c.dataPacketsUp,
      c.loopPacketsUp,
      c.dataPacketsLost + c.loopPacketsLost,
      c.dataPacketsPushed,
      c.loopPacketsPushed,
      c.acksPushed,
      c.framesStored,
      kilobytes(c.bytesUp),
      kilobytes(c.bytesPushed),
    ])
  const lost = Object.entries(hops).map(([hop, { lost }]) => `${hop} ${lost}`)
  return `${[HEADINGS, ...rows].map(line).join('\n')}\npackets lost at ${lost.join(', ')}\n`
}

const MAX_ROWS = 50
const HEADINGS = [
  'client',
  'data up',
  'loop up',
  'lost',
  'data dn',
  'loop dn',
  'acks dn',
  'stored',
  'kB up',
  'kB dn',
]

const line = (cells: readonly (string | number)[]) =>
  cells.map((cell, index) => (index === 0 ? String(cell).padEnd(10) : String(cell).padStart(8))).join(' ')

const kilobytes = (bytes: number) => Math.round(bytes / 1000)
