import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Role, StoreConfig } from '@veilcast/broadcaster'
import { stringify } from 'yaml'
import { type ChainSetup, makeFolder } from './path.ts'
import { type BroadcasterProcess, runBroadcaster } from './processes.ts'

/** Processes of one broadcaster over one store, each started as an operator starts it, from a file of its own. */
export interface Fleet {
  /** Once it is ready. @param nymSockets the native Nym clients that it is to use */
  start(role: Role, nymSockets?: readonly string[]): Promise<BroadcasterProcess>
  remove(): Promise<void>
}

export async function makeFleet(options: {
  readonly store: StoreConfig
  readonly chains: readonly ChainSetup[]
  /** Further keys of the configuration. */
  readonly more?: object
}): Promise<Fleet> {
  const folder = await makeFolder()
  const keyFile = join(folder.path, 'veilcast.key')
  await writeFile(keyFile, randomBytes(32), { mode: 0o600 })
  let count = 0
  return {
    async start(role, nymSockets = []) {
      const home = join(folder.path, `${role}-${++count}`)
      await mkdir(home)
      const configFile = join(home, 'veilcast.yaml')
      // A worker's file names a Nym client too, which it leaves alone: one file can serve all.
      const urls = nymSockets.length > 0 ? nymSockets : ['ws://127.0.0.1:9']
      await writeFile(
        configFile,
        stringify({
          role,
          dataDir: 'data',
          keyFile,
          mixnet: urls.map((url) => ({ transport: 'nym-socket', url })),
          store: options.store,
          chains: options.chains,
          http: { port: 0 },
          ...options.more,
        }),
      )
      return runBroadcaster(configFile)
    },
    remove: folder.remove,
  }
}
