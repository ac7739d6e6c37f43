import { randomBytes } from 'node:crypto'
import { access, link, mkdir, rename, unlink, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { parse } from 'yaml'
import { ConfigError } from '../config/config.ts'
import { openKeyFile } from '../config/keyFile.ts'
import { checkDataFolder } from '../config/makeDataFolder.ts'
import { parseConfig } from '../config/parseConfig.ts'

export interface Written {
  readonly keyFile: string
  readonly keyWasThere: boolean
}

/**
 * Writes the configuration, whole or not at all, and the key file where there is none. A key file that is there is kept, also with
 * `force`: the store could not be read without it.
 * @throws ConfigError
 */
export async function writeConfig(path: string, text: string, force: boolean): Promise<Written> {
  const { dataDir } = parseConfig(parse(text), 'What init would write')
  const folder = dirname(resolve(path))
  await refuseToOverwrite(path, force)
  const keyFolder = resolve(folder, dataDir)
  await checkDataFolder(keyFolder)
  const keyFile = join(keyFolder, 'veilcast.key')
  const keyWasThere = await exists(keyFile)

  const fresh = `${path}.${randomBytes(4).toString('hex')}.new`
  try {
    await mkdir(folder, { recursive: true })
    // It may hold keys of endpoints.
    await writeFile(fresh, text, { mode: 0o600, flag: 'wx', flush: true })
    await openKeyFile(keyFile)
    if (force) await rename(fresh, path)
    else await link(fresh, path)
  } catch (error) {
    if (error instanceof ConfigError) throw error
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') throw refusal(path)
    throw new ConfigError(`${path} cannot be written (${code}). Name another file with --config.`)
  } finally {
    await unlink(fresh).catch(() => {})
  }
  return { keyFile, keyWasThere }
}

/** @throws ConfigError */
export async function refuseToOverwrite(path: string, force: boolean): Promise<void> {
  if (!force && (await exists(path))) throw refusal(path)
}

const refusal = (path: string): ConfigError =>
  new ConfigError(`${path} is there already. Name another file with --config, or write over it with --force.`)

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )
