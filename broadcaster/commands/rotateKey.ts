import type { BroadcasterConfig } from '../config/config.ts'
import { keyFileOf } from '../config/keyFile.ts'
import { type Environment, storeOf } from '../openBroadcaster.ts'
import { rotateKey } from '../transfer/rotateKey.ts'
import { countOn, recordsIn } from './countOn.ts'
import type { Terminal } from './Terminal.ts'
import { withStoreAlone } from './withStoreAlone.ts'

/** Seals the store under a new key file. @throws ConfigError, StoreError; the signal's reason */
export async function rotateKeyCommand(
  config: BroadcasterConfig,
  options: { readonly environment: Environment; readonly signal: AbortSignal },
  terminal: Terminal,
): Promise<void> {
  const keyFile = keyFileOf(config)
  const adapters = new Map(config.chains.map(({ chain, create }) => [chain, create()]))
  const { records, formerUntilMs } = await withStoreAlone(
    storeOf(config, options.environment),
    options.signal,
    (store, signal) =>
      rotateKey(store, {
        keyFile,
        retentionSeconds: config.retentionSeconds,
        inspect: (chain, signedTx) => adapters.get(chain)?.inspect(signedTx),
        signal,
        onProgress: countOn(terminal, (done) => `${recordsIn(done)} sealed`),
      }),
  )
  terminal.progress('')
  terminal.print(
    [
      `${recordsIn(records)} under a new key, in ${keyFile}.`,
      `The former one is beside it, in ${keyFile}.former, and is deleted by itself after ${new Date(formerUntilMs).toISOString()}: until then wallets may ask for what they submitted before.`,
      'Other machines on this store need both files before they start.',
      '',
    ].join('\n'),
  )
}
