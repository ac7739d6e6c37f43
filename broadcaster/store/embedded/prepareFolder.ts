import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { chmod, chown, link, lstat, mkdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { StoreError } from '../TxStore.ts'
import { findBinaries } from './binaries.ts'
import { reachable, type ServerUser, serverUser } from './serverUser.ts'

/** A data folder that Postgres can be started on. */
export interface DataFolder {
  readonly path: string
  /** Postgres's own folder: mode 700, owned by the user that it runs as. */
  readonly data: string
  readonly sockets: string
  readonly logFile: string
  readonly password: string
  /** The Postgres programs: bin, lib and share. */
  readonly native: string
  readonly user: ServerUser | undefined
}

export const superuser = 'veilcast'
/** Only a name in a folder of our own: nothing listens on TCP. */
export const socketPort = 5432
/** What macOS takes, with its ending zero; Linux takes 108. */
const maxSocketPathBytes = 103

/** Makes what is missing; the first time that is a database cluster, about a second of work. */
export async function prepareFolder(dataDir: string, signal: AbortSignal): Promise<DataFolder> {
  if (process.platform === 'win32') {
    throw new StoreError(
      'There is no embedded store on Windows: name a server with REDIS_URL or DATABASE_URL.',
    )
  }
  const user = serverUser()
  const path = await makeDataDir(resolve(dataDir), user)
  const { native, majorVersion } = await findBinaries(path, user)
  const folder: DataFolder = {
    path,
    data: join(path, 'data'),
    sockets: await makeSocketFolder(path, user),
    logFile: join(path, 'postgres.log'),
    password: await keepPassword(join(path, 'password'), user),
    native,
    user,
  }
  const version = await versionOf(folder.data)
  if (version === undefined) await initialise(folder, signal)
  else if (version !== majorVersion) {
    throw new StoreError(
      `The data folder was written by Postgres ${version}, and this release brings ${majorVersion}.`,
    )
  }
  return folder
}

async function makeDataDir(path: string, user: ServerUser | undefined): Promise<string> {
  try {
    const first = await mkdir(path, { recursive: true, mode: 0o700 })
    const real = await realpath(path)
    if (user === undefined) return real
    // The server's user may walk through the folder, and through those above it that we made, whatever the umask.
    for (let made = path; made.length >= (first ?? path).length; made = dirname(made)) {
      await chmod(made, 0o711)
    }
    if (await reachable(real, user)) return real
  } catch {
    throw new StoreError('The data folder could not be made or read.')
  }
  throw new StoreError(
    `Postgres does not run as root, and its user (uid ${user.uid}) cannot reach the data folder: choose one outside of homes, as in /var/lib/veilcast, or run as another user.`,
  )
}

/** Beside the data where the path is short enough for a socket, else under the system's temporary folder. */
async function makeSocketFolder(path: string, user: ServerUser | undefined): Promise<string> {
  const near = join(path, 'run')
  const far = join(tmpdir(), `veilcast-${createHash('sha256').update(path).digest('hex').slice(0, 16)}`)
  const folder = fits(near) ? near : far
  await mkdir(folder, { mode: 0o700 }).catch(() => {})
  const made = await lstat(folder)
  const ours = made.uid === (user?.uid ?? process.getuid?.()) || made.uid === process.getuid?.()
  if (!made.isDirectory() || !ours || !fits(folder)) {
    throw new StoreError(
      'There is no place for the socket of Postgres: choose a data folder with a short path.',
    )
  }
  await chmod(folder, 0o700)
  if (user !== undefined) await chown(folder, user.uid, user.gid)
  return folder
}

function fits(folder: string): boolean {
  return Buffer.byteLength(join(folder, `.s.PGSQL.${socketPort}`)) <= maxSocketPathBytes
}

async function keepPassword(file: string, user: ServerUser | undefined): Promise<string> {
  const draft = `${file}.${randomBytes(4).toString('hex')}`
  await writeFile(draft, `${randomBytes(24).toString('hex')}\n`, { mode: 0o600, flag: 'wx' })
  // initdb reads it as the server's user.
  if (user !== undefined) await chown(draft, user.uid, user.gid)
  // A link is all or nothing and never replaces the file that is there.
  await link(draft, file).catch(() => {})
  await rm(draft, { force: true })
  return (await readFile(file, 'utf8')).trim()
}

async function versionOf(data: string): Promise<number | undefined> {
  const text = await readFile(join(data, 'PG_VERSION'), 'utf8').catch(() => undefined)
  return text === undefined ? undefined : Number.parseInt(text, 10)
}

/** Into a folder of its own that takes the right name when it is complete: a killed start leaves no half of one. */
async function initialise(folder: DataFolder, signal: AbortSignal): Promise<void> {
  const { path, data, native, user } = folder
  const draft = `${data}.${randomBytes(4).toString('hex')}`
  await mkdir(draft, { mode: 0o700 })
  if (user !== undefined) await chown(draft, user.uid, user.gid)
  const code = await new Promise<number | null>((done) => {
    const initdb = spawn(
      join(native, 'bin', 'initdb'),
      [
        `--pgdata=${draft}`,
        `--pwfile=${join(path, 'password')}`,
        `--username=${superuser}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale=C',
        '--no-instructions',
      ],
      { ...user, signal, stdio: 'ignore', env: serverEnv() },
    )
    initdb.once('error', () => {})
    initdb.once('close', done)
  })
  if (code === 0) {
    const renamed = await rename(draft, data).then(
      () => true,
      () => false,
    )
    if (renamed) return
  }
  await rm(draft, { recursive: true, force: true })
  signal.throwIfAborted()
  // Another start was faster: its cluster serves.
  if ((await versionOf(data)) !== undefined) return
  throw new StoreError('Postgres could not make its data folder (initdb failed).')
}

/** Nothing of our own environment, which may name servers and secrets. */
export function serverEnv(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }
}
