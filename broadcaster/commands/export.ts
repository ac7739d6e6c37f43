import type { BroadcasterConfig } from '../config/config.ts'
import { existingKey, keyFileOf } from '../config/keyFile.ts'
import { type Environment, storeOf } from '../openBroadcaster.ts'
import { createVault } from '../store/vault.ts'
import { exportStore } from '../transfer/exportStore.ts'
import { countOn, recordsIn } from './countOn.ts'
import type { Terminal } from './Terminal.ts'
import { withStoreAlone } from './withStoreAlone.ts'

/** Writes all that the store holds into a file. @throws ConfigError, StoreError; the signal's reason */
export async function exportCommand(
  config: BroadcasterConfig,
  options: {
    readonly to: string
    readonly force: boolean
    readonly environment: Environment
    readonly signal: AbortSignal
  },
  terminal: Terminal,
): Promise<void> {
  const { fingerprint } = createVault(await existingKey(keyFileOf(config)))
  const count = await withStoreAlone(storeOf(config, options.environment), options.signal, (store, signal) =>
    exportStore(store, {
      file: options.to,
      force: options.force,
      sealedBy: fingerprint,
      signal,
      onProgress: countOn(terminal, (written) => `${recordsIn(written)} written`),
    }),
  )
  terminal.progress('')
  terminal.print(
    `${recordsIn(count)} in ${options.to}; to be read with this key file only, which is not in it.\n`,
  )
}
