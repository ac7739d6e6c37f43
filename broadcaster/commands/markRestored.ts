import type { BroadcasterConfig } from '../config/config.ts'
import { type Environment, storeOf } from '../openBroadcaster.ts'
import type { Terminal } from './Terminal.ts'
import { withStoreAlone } from './withStoreAlone.ts'

/** Notes that the store was put back from a copy of its files. @throws ConfigError, StoreError; the signal's reason */
export async function markRestoredCommand(
  config: BroadcasterConfig,
  options: { readonly environment: Environment; readonly signal: AbortSignal },
  terminal: Terminal,
): Promise<void> {
  await withStoreAlone(storeOf(config, options.environment), options.signal, (store) => store.markRestored())
  terminal.print('marked: the next run takes whatever is under way for sent.\n')
}
