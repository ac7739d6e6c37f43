import { randomBytes } from 'node:crypto'
import { chmod, link, mkdir, open, readFile, rename, rm, stat, unlink, writeFile } from 'node:fs/promises'
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

export interface FormerKey {
  readonly key: Uint8Array
  /** Milliseconds since 1970. */
  readonly untilMs: number
}

const untilBytes = 8

/** The key of before the last rotation; deleted here once its time is over. @throws ConfigError */
export async function readFormerKey(path: string, nowMs = Date.now()): Promise<FormerKey | undefined> {
  const file = formerFileOf(path)
  await refuseIfOthersRead(file)
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new ConfigError(`The former key file ${file} cannot be read (${error.code}).`)
  })
  if (bytes === undefined) return undefined
  if (bytes.length !== 32 + untilBytes) {
    throw new ConfigError(
      `${file} is no former key file: put back the one that rotate-key wrote, or delete it.`,
    )
  }
  const untilMs = Number(bytes.readBigUInt64BE(32))
  if (untilMs <= nowMs) {
    await rm(file, { force: true })
    return undefined
  }
  return { key: new Uint8Array(bytes.subarray(0, 32)), untilMs }
}

/** Keeps the key that is in use now as the former one. Durable when it resolves. @throws ConfigError */
export async function writeFormerKey(path: string, untilMs: number): Promise<void> {
  const until = Buffer.alloc(untilBytes)
  until.writeBigUInt64BE(BigInt(untilMs))
  const file = formerFileOf(path)
  const draft = `${file}.${process.pid}.new`
  await writeFile(draft, Buffer.concat([await existingKey(path), until]), { mode: 0o600, flush: true })
  await rename(draft, file)
  await syncFolderOf(path)
}

/** What a rotation puts in the place of the key; made where it is not there. Durable when it resolves. @throws ConfigError */
export async function openNextKey(path: string): Promise<Uint8Array> {
  const key = await openKeyFile(nextFileOf(path))
  await syncFolderOf(path)
  return key
}

export async function hasNextKey(path: string): Promise<boolean> {
  return (await readKeyFile(nextFileOf(path))) !== undefined
}

/** Durable when it resolves. */
export async function takeNextKey(path: string): Promise<void> {
  await rename(nextFileOf(path), path)
  await syncFolderOf(path)
}

/** A name in a folder lasts once the folder was written. */
async function syncFolderOf(path: string): Promise<void> {
  const folder = await open(dirname(path), 'r')
  await folder.sync().finally(() => folder.close())
}

function nextFileOf(path: string): string {
  return `${path}.next`
}

function formerFileOf(path: string): string {
  return `${path}.former`
}

async function readKey(path: string): Promise<Uint8Array> {
  await refuseIfOthersRead(path)
  const key = await readFile(path)
  if (key.length !== 32) throw new ConfigError(`The key file ${path} has ${key.length} bytes instead of 32.`)
  return new Uint8Array(key)
}

async function refuseIfOthersRead(path: string): Promise<void> {
  const mode = (await stat(path).catch(() => undefined))?.mode ?? 0
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    throw new ConfigError(`The key file ${path} can be read by others: chmod 600 it.`)
  }
}
