import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { parse, YAMLParseError } from 'yaml'
import { type BroadcasterConfig, ConfigError, parseConfig } from './config.ts'

const maxConfigBytes = 1_048_576

/** Reads YAML (or JSON, which is YAML). Relative paths in it count from its own folder. @throws ConfigError */
export async function readConfigFile(path: string): Promise<BroadcasterConfig> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    throw new ConfigError(
      `${path} cannot be read${code ? ` (${code})` : ''}. Name another file with --config.`,
    )
  }
  if (text.length > maxConfigBytes) throw new ConfigError(`${path} is longer than ${maxConfigBytes} bytes.`)
  let value: unknown
  try {
    // A warning would be printed with the line that it is about.
    value = parse(text, { maxAliasCount: 100, logLevel: 'error' })
  } catch (error) {
    const where = error instanceof YAMLParseError && error.linePos ? `, line ${error.linePos[0].line}` : ''
    throw new ConfigError(`${path} is no YAML${where}.`)
  }
  return withPathsFrom(dirname(path), parseConfig(value, path))
}

function withPathsFrom(folder: string, config: BroadcasterConfig): BroadcasterConfig {
  const { dataDir, keyFile, mixnet, store } = config
  return {
    ...config,
    dataDir: resolve(folder, dataDir),
    ...(keyFile === undefined ? {} : { keyFile: resolve(folder, keyFile) }),
    mixnet:
      mixnet.transport === 'nym-wasm' && mixnet.identityFile !== undefined
        ? { ...mixnet, identityFile: resolve(folder, mixnet.identityFile) }
        : mixnet,
    ...(store?.kind === 'embedded' && store.dataDir !== undefined
      ? { store: { ...store, dataDir: resolve(folder, store.dataDir) } }
      : {}),
  }
}
