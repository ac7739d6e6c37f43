import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Client, ClientConfig } from 'pg'
import { StoreError } from '../TxStore.ts'
import { claimServer } from './claimServer.ts'
import { findPostmaster, isAlive } from './postmaster.ts'
import { type DataFolder, serverEnv, socketPort, superuser } from './prepareFolder.ts'

export interface EmbeddedServer {
  readonly connection: ClientConfig
  /** Settles when it has ended, by `stop` or by itself. */
  readonly exited: Promise<void>
  /** Ends it within 15 s. Throws StoreError where it still runs then. */
  stop(): Promise<void>
}

/** Recovery after a crash included. */
const startLimitMs = 60_000
const fastStopLimitMs = 10_000
const immediateStopLimitMs = 5_000
const pollMs = 20
const reclaimMs = 500

const settings = [
  'listen_addresses=',
  'unix_socket_permissions=0700',
  'max_connections=200',
  'shared_buffers=64MB',
  'max_wal_size=256MB',
  'wal_level=minimal',
  'max_wal_senders=0',
  'io_method=sync',
  'jit=off',
  // Why it could not start, and little more: statements and values never reach the file.
  'log_min_messages=log',
  'log_checkpoints=off',
  'log_min_error_statement=panic',
]

/**
 * Postgres on a data folder of ours, reached by a Unix socket only. A server that a killed process left running is
 * stopped first; nothing that it acknowledged is lost.
 *
 * @throws StoreError where another process owns the folder
 */
export async function startServer(folder: DataFolder, signal: AbortSignal): Promise<EmbeddedServer> {
  const connection: ClientConfig = {
    host: folder.sockets,
    port: socketPort,
    user: superuser,
    password: folder.password,
    database: 'postgres',
  }
  const deadline = Date.now() + startLimitMs
  while (Date.now() < deadline) {
    signal.throwIfAborted()
    const claim = await claimServer(connection)
    if (claim === 'owned') throw new StoreError('Another broadcaster runs on this data folder.')
    const running = await findPostmaster(folder.data)
    if (claim !== 'absent') {
      if (running === undefined) {
        await claim.end()
        throw new StoreError('A Postgres of another container runs on this data folder: stop it first.')
      }
      await stopOrphan(running, claim, deadline)
    } else if (running !== undefined) {
      await delay(pollMs)
    } else {
      const server = await run(folder, connection, deadline, signal)
      if (server !== undefined) {
        await removeDrafts(folder)
        return server
      }
      await delay(pollMs)
    }
  }
  throw new StoreError('Postgres did not start in time: postgres.log in the data folder may say why.')
}

async function stopOrphan(pid: number, claim: Client, deadline: number): Promise<void> {
  send(pid, 'SIGINT')
  while (isAlive(pid) && Date.now() < deadline) await delay(pollMs)
  await claim.end().catch(() => {})
}

/** Undefined where it is worth another try. */
async function run(
  folder: DataFolder,
  connection: ClientConfig,
  deadline: number,
  signal: AbortSignal,
): Promise<EmbeddedServer | undefined> {
  const child = spawnServer(folder)
  let exited = child.pid === undefined
  const exit = new Promise<void>((done) => {
    child.once('exit', () => done())
    child.once('error', () => done())
  }).then(() => {
    exited = true
  })
  const stopWithUs = (): void => {
    child.kill('SIGINT')
  }
  process.once('exit', stopWithUs)
  void exit.then(() => process.off('exit', stopWithUs))

  async function stopChild(): Promise<void> {
    if (!exited) child.kill('SIGINT')
    if (!(await within(exit, fastStopLimitMs))) child.kill('SIGQUIT')
    const ended = await within(exit, immediateStopLimitMs)
    if (!ended) throw new StoreError('Postgres did not stop in time.')
  }

  try {
    while (!exited && Date.now() < deadline) {
      signal.throwIfAborted()
      const claim = await claimServer(connection)
      if (claim === 'owned') break
      if (claim === 'absent') {
        await delay(pollMs)
        continue
      }
      if ((await findPostmaster(folder.data)) !== child.pid) {
        await claim.end()
        break
      }
      const release = keepClaim(claim, connection)
      return {
        connection,
        exited: exit,
        async stop() {
          await release()
          await stopChild()
        },
      }
    }
  } catch (error) {
    await stopChild()
    throw error
  }
  await stopChild()
  if ((await findPostmaster(folder.data)) !== undefined || (await passes(folder))) return undefined
  throw new StoreError('Postgres did not start: postgres.log in the data folder says why.')
}

/** Another start was faster, or what a killed server left is still going down. */
async function passes(folder: DataFolder): Promise<boolean> {
  const log = await readFile(folder.logFile, 'utf8')
  return /lock file .* already exists|shared memory block .* still in use/.test(log)
}

function spawnServer(folder: DataFolder): ChildProcess {
  const log = openSync(folder.logFile, 'w', 0o600)
  try {
    const sockets = `unix_socket_directories="${folder.sockets.replaceAll('"', '""')}"`
    const child = spawn(
      join(folder.native, 'bin', 'postgres'),
      [
        '-D',
        folder.data,
        '-p',
        String(socketPort),
        ...[sockets, ...settings].flatMap((setting) => ['-c', setting]),
      ],
      // In a process group of its own: Ctrl-C in a terminal is for us, who then stop it in order.
      { ...folder.user, detached: true, stdio: ['ignore', log, log], env: serverEnv() },
    )
    child.unref()
    return child
  } finally {
    closeSync(log)
  }
}

/** Claims anew when the session breaks, as in a restart of all sessions after one crashed. */
function keepClaim(first: Client, connection: ClientConfig): () => Promise<void> {
  const released = new AbortController()
  let claim: Client | undefined
  const hold = (client: Client): void => {
    claim = client
    client.once('end', () => {
      claim = undefined
      if (!released.signal.aborted) void reclaim()
    })
  }
  async function reclaim(): Promise<void> {
    while (!released.signal.aborted) {
      await delay(reclaimMs, undefined, { signal: released.signal, ref: false }).catch(() => {})
      if (released.signal.aborted) return
      const client = await claimServer(connection).catch(() => 'absent' as const)
      if (client === 'absent') continue
      if (client === 'owned') return
      if (released.signal.aborted) await client.end().catch(() => {})
      else hold(client)
      return
    }
  }
  hold(first)
  return async () => {
    released.abort()
    await claim?.end().catch(() => {})
  }
}

/** What starts that were killed left half made. */
async function removeDrafts(folder: DataFolder): Promise<void> {
  for (const name of await readdir(folder.path)) {
    if (/^(data|programs|password)\.[0-9a-f]{8}$/.test(name)) {
      await rm(join(folder.path, name), { recursive: true, force: true })
    }
  }
}

async function within(exit: Promise<void>, limitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<false>((done) => {
    timer = setTimeout(() => done(false), limitMs)
  })
  try {
    return await Promise.race([exit.then(() => true), limit])
  } finally {
    clearTimeout(timer)
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // Gone already.
  }
}
