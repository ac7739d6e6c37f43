import type { BroadcasterConfig } from '../config/config.ts'
import { existingKey, keyFileOf } from '../config/keyFile.ts'
import { makeDataFolder } from '../config/makeDataFolder.ts'
import { type Environment, storeOf } from '../openBroadcaster.ts'
import { createVault } from '../store/vault.ts'
import { importStore } from '../transfer/importStore.ts'
import { countOn, recordsIn } from './countOn.ts'
import type { Terminal } from './Terminal.ts'
import { withStoreAlone } from './withStoreAlone.ts'

/** Fills the store from a file that `export` wrote. @throws ConfigError, StoreError; the signal's reason */
export async function importCommand(
  config: BroadcasterConfig,
  options: {
    readonly from: string
    readonly force: boolean
    readonly environment: Environment
    readonly signal: AbortSignal
  },
  terminal: Terminal,
): Promise<void> {
  const { fingerprint } = createVault(await existingKey(keyFileOf(config)))
  await makeDataFolder(config.dataDir)
  const count = await withStoreAlone(storeOf(config, options.environment), options.signal, (store, signal) =>
    importStore(store, {
      file: options.from,
      force: options.force,
      sealedBy: fingerprint,
      signal,
      onProgress: countOn(terminal, (done) => `${recordsIn(done)} read or written`),
    }),
  )
  terminal.progress('')
  terminal.print(
    `${recordsIn(count)} from ${options.from}. What they call unsent may have been sent since: the next run takes it for sent.\n`,
  )
}
