import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import { type BroadcasterConfig, ConfigError } from './config.ts'
import { overrideFromEnvironment, type Variables } from './overrideFromEnvironment.ts'
import { parseConfig } from './parseConfig.ts'
import { resolveSecrets } from './resolveSecrets.ts'

const maxConfigBytes = 1_048_576

/**
 * Reads YAML (or JSON, which is YAML). Relative paths in it count from its own folder. What the environment says of a key goes
 * before what the file says.
 * @param options.onWarning called with a sentence for each thing that works, and should be another way
 * @throws ConfigError
 */
export async function readConfigFile(
  path: string,
  options: { readonly environment?: Variables; readonly onWarning?: (text: string) => void } = {},
): Promise<BroadcasterConfig> {
  const { environment = {}, onWarning } = options
  const folder = resolve(dirname(path))
  const lines = new LineCounter()
  const document = parseText(await readText(path), path, lines)
  const { value, variableOf } = overrideFromEnvironment(toValue(document, path), environment)
  const placeOf = (keys: readonly PropertyKey[]): string | undefined => {
    const variable = variableOf(keys)
    if (variable) return variable
    const line = lineOf(document, lines, keys)
    return line === undefined ? undefined : `line ${line}`
  }
  const resolved = await resolveSecrets(value, folder, environment, placeOf)
  for (const warning of resolved.warnings) onWarning?.(warning)
  return withPathsFrom(folder, parseConfig(resolved.value, path, placeOf))
}

async function readText(path: string): Promise<string> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    const advice = code === 'ENOENT' ? 'Name another file with --config, or write one with init.' : ''
    throw new ConfigError(
      `${path} cannot be read${code ? ` (${code})` : ''}. ${advice || 'Name another file with --config.'}`,
    )
  }
  if (text.length > maxConfigBytes) throw new ConfigError(`${path} is longer than ${maxConfigBytes} bytes.`)
  return text
}

function parseText(text: string, path: string, lineCounter: LineCounter): Document {
  // A warning would be printed with the line that it is about, and an error's text quotes it.
  const document = parseDocument(text, { lineCounter, logLevel: 'error', prettyErrors: false })
  const [error] = document.errors
  if (!error) return document
  const { line, col } = lineCounter.linePos(error.pos[0])
  const what = error.code === 'DUPLICATE_KEY' ? ': one key stands there twice' : ''
  throw new ConfigError(`${path} is no YAML, line ${line}, column ${col}${what}.`)
}

function toValue(document: Document, path: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch {
    throw new ConfigError(`${path} is no YAML that can be read: its aliases name nothing, or too much.`)
  }
}

/** The line of a key, or of the innermost thing around it that was written. */
function lineOf(document: Document, lines: LineCounter, keys: readonly PropertyKey[]): number | undefined {
  let node: unknown = document.contents
  let offset: number | undefined
  for (const key of keys) {
    if (isAlias(node)) node = node.resolve(document)
    if (isMap(node)) {
      const pair = node.items.find(({ key: one }) => isScalar(one) && String(one.value) === String(key))
      if (!pair) break
      offset = (isScalar(pair.key) ? pair.key.range?.[0] : undefined) ?? offset
      node = pair.value
    } else if (isSeq(node)) {
      node = node.items[Number(key)]
      const range = (node as { range?: readonly number[] } | undefined)?.range
      offset = range?.[0] ?? offset
    } else break
  }
  return offset === undefined ? undefined : lines.linePos(offset).line
}

function withPathsFrom(folder: string, config: BroadcasterConfig): BroadcasterConfig {
  const { dataDir, keyFile, mixnets, store } = config
  return {
    ...config,
    dataDir: resolve(folder, dataDir),
    ...(keyFile === undefined ? {} : { keyFile: resolve(folder, keyFile) }),
    mixnets: mixnets.map((mixnet) =>
      mixnet.transport === 'nym-wasm' && mixnet.identityFile !== undefined
        ? { ...mixnet, identityFile: resolve(folder, mixnet.identityFile) }
        : mixnet,
    ),
    ...(store?.kind === 'embedded' && store.dataDir !== undefined
      ? { store: { ...store, dataDir: resolve(folder, store.dataDir) } }
      : {}),
  }
}
