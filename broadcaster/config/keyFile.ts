import { randomBytes } from 'node:crypto'
import { chmod, link, mkdir, readFile, stat, unlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type BroadcasterConfig, ConfigError } from './config.ts'

/** Where it lies. */
export function keyFileOf({ keyFile, dataDir }: Pick<BroadcasterConfig, 'keyFile' | 'dataDir'>): string {
  return keyFile ?? join(dataDir, 'veilcast.key')
}

/**
 * The 32 bytes under which the store is sealed; made where there are none. Mode 0600, and refused when others may read it.
 * @throws ConfigError
 */
export async function openKeyFile(path: string): Promise<Uint8Array> {
  const key = await readKeyFile(path)
  if (key) return key
  await mkdir(dirname(path), { recursive: true })
  const fresh = `${path}.${process.pid}.new`
  await writeFile(fresh, randomBytes(32), { mode: 0o600, flag: 'wx', flush: true })
  try {
    await chmod(fresh, 0o600)
    // A link fails where another process was faster: then its key counts.
    await link(fresh, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  } finally {
    await unlink(fresh)
  }
  return readKey(path)
}

/** Undefined where there is none. @throws ConfigError */
export async function readKeyFile(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readKey(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    if (error instanceof ConfigError) throw error
    throw new ConfigError(`The key file ${path} cannot be read (${code}). Set another keyFile.`)
  }
}

/** One that has to be there. @throws ConfigError */
export async function existingKey(path: string): Promise<Uint8Array> {
  const key = await readKeyFile(path)
  if (key) return key
  throw new ConfigError(`There is no key file ${path}: put the one of this store in its place.`)
}

async function readKey(path: string): Promise<Uint8Array> {
  const { mode } = await stat(path)
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    throw new ConfigError(`The key file ${path} can be read by others: chmod 600 it.`)
  }
  const key = await readFile(path)
  if (key.length !== 32) throw new ConfigError(`The key file ${path} has ${key.length} bytes instead of 32.`)
  return new Uint8Array(key)
}
