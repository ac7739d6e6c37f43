import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { ChainSetup } from './path.ts'
import { type BroadcasterProcess, runBroadcaster } from './processes.ts'

/** `veilcast-broadcaster run` over a native client's websocket, which is here whatever speaks it. */
export interface SocketSetup {
  /** A folder of its own for each process. */
  readonly folder: string
  readonly socketUrl: string
  readonly chains: readonly ChainSetup[]
  /** As the configuration has it. Default: embedded. */
  readonly store?: object
  readonly more?: object
}

export async function writeSocketConfig(setup: SocketSetup): Promise<string> {
  const path = join(setup.folder, 'veilcast.yaml')
  const config = {
    dataDir: 'data',
    mixnet: { transport: 'nym-socket', url: setup.socketUrl },
    store: setup.store ?? { kind: 'embedded' },
    http: { port: 0 },
    chains: setup.chains,
    ...setup.more,
  }
  await writeFile(path, stringify(config))
  return path
}

export async function runSocketBroadcaster(setup: SocketSetup): Promise<BroadcasterProcess> {
  return runBroadcaster(await writeSocketConfig(setup))
}
