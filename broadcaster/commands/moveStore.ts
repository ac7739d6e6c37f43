import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type BroadcasterConfig, ConfigError } from '../config/config.ts'
import { makeDataFolder } from '../config/makeDataFolder.ts'
import { storeConfig } from '../config/storeConfig.ts'
import { type Environment, storeOf } from '../openBroadcaster.ts'
import type { StoreConfig } from '../store/openStore.ts'
import { moveStore } from '../transfer/moveStore.ts'
import { countOn, recordsIn } from './countOn.ts'
import type { Terminal } from './Terminal.ts'
import { withStoreAlone } from './withStoreAlone.ts'

export interface MoveOptions {
  /** `embedded`, a redis:// or postgres:// URL, or `@` and the name of a file that holds one of these. */
  readonly to: string
  readonly force: boolean
  readonly deleteSource: boolean
  readonly environment: Environment
  readonly signal: AbortSignal
}

/** Brings all that the configured store holds to another one. @throws ConfigError, StoreError; the signal's reason */
export async function moveStoreCommand(
  config: BroadcasterConfig,
  options: MoveOptions,
  terminal: Terminal,
): Promise<void> {
  const from = storeOf(config, options.environment)
  const to = await targetOf(options.to, config.dataDir)
  if (placeOf(from) === placeOf(to))
    throw new ConfigError('The store is there already: --to names the configured one.')
  await makeDataFolder(config.dataDir)
  const { records, isCurrent, durability } = await withStoreAlone(from, options.signal, (source, signal) =>
    withStoreAlone(to, signal, async (target, either) => ({
      ...(await moveStore(source, target, {
        force: options.force,
        deleteSource: options.deleteSource,
        signal: either,
        onProgress: countOn(terminal, (written) => `${recordsIn(written)} moved`),
      })),
      durability: target.records.durability,
    })),
  )
  terminal.progress('')
  const lines = [
    `${recordsIn(records)} moved from ${from.kind} to ${to.kind}. Name the new store in the configuration before the next run.`,
    ...(options.deleteSource ? [] : ['What the old one held is still there, for you to delete.']),
    ...(isCurrent
      ? []
      : ['The old one was a copy, or moved before: the next run takes what it calls unsent for sent.']),
    ...(durability === 'fsync'
      ? []
      : [
          `The new one may lose the latest moments when it crashes (durability ${durability}): see the README.`,
        ]),
  ]
  terminal.print(`${lines.join('\n')}\n`)
}

async function targetOf(to: string, dataDir: string): Promise<StoreConfig> {
  const text = to.startsWith('@') ? await textOf(to.slice(1)) : to
  if (text === 'embedded') return { kind: 'embedded', dataDir: join(dataDir, 'postgres') }
  const kind = /^rediss?:/.test(text) ? 'redis' : 'postgres'
  const parsed = storeConfig.safeParse({ kind, url: text })
  if (!parsed.success || parsed.data.kind === 'embedded') {
    throw new ConfigError(
      '--to takes embedded, a redis:// or a postgres:// URL, or @ and the name of a file that holds one of these.',
    )
  }
  return parsed.data
}

async function textOf(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (error) {
    throw new ConfigError(`${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`)
  }
}

function placeOf(config: StoreConfig): string {
  return config.kind === 'embedded' ? resolve(config.dataDir) : JSON.stringify(config)
}
