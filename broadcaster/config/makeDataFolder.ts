import { constants } from 'node:fs'
import { access, mkdir, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { ConfigError } from './config.ts'

/** Makes the folder where it is missing. @throws ConfigError where it cannot be made, or not be written to */
export async function makeDataFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o755 })
    await access(path, usable)
  } catch (error) {
    throw refusal(path, error)
  }
}

/**
 * Whether the folder could be made and used; makes nothing. Returns the folder that is there: itself, or the innermost around it.
 * @throws ConfigError
 */
export async function checkDataFolder(path: string): Promise<string> {
  try {
    let there = resolve(path)
    while (!(await isFolder(there))) there = dirname(there)
    await access(there, usable)
    return there
  } catch (error) {
    throw refusal(path, error)
  }
}

const usable = constants.R_OK | constants.W_OK | constants.X_OK

/** False where there is nothing. @throws ENOTDIR for a file, and whatever keeps us from looking */
async function isFolder(path: string): Promise<boolean> {
  try {
    if ((await stat(path)).isDirectory()) return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
  throw Object.assign(new Error(), { code: 'ENOTDIR' })
}

function refusal(path: string, error: unknown): ConfigError {
  const { code } = error as NodeJS.ErrnoException
  return new ConfigError(`The data folder ${path} cannot be made or used (${code}). Set another dataDir.`)
}
