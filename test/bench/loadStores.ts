import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { StoreConfig } from '@veilcast/broadcaster'

/** Where a broadcaster under load keeps its record: empty at first, gone with `stop`. */
export interface LoadStore {
  readonly name: 'Redis' | 'embedded Postgres'
  readonly config: StoreConfig
  stop(): Promise<void>
}

export const noRedis = 'Redis (no redis-server on the PATH: apt install redis-server)'

/** What is at hand here: Redis first, with each write on disk before it is answered. */
export function loadStores(): (() => Promise<LoadStore>)[] {
  return hasRedis() ? [startRedis, prepareEmbedded] : [prepareEmbedded]
}

export function hasRedis(): boolean {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

export async function startRedis(): Promise<LoadStore> {
  const folder = await mkdtemp(join(tmpdir(), 'veilcast-bench-'))
  const port = await freePort()
  const settings = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', '', '--hz', '100']
  const where = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder]
  const server = spawn('redis-server', [...where, ...settings], { stdio: 'ignore' })
  const exited = once(server, 'exit')
  await untilListening(port)
  return {
    name: 'Redis',
    config: { kind: 'redis', url: `redis://127.0.0.1:${port}` },
    async stop() {
      server.kill('SIGKILL')
      await exited
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function prepareEmbedded(): Promise<LoadStore> {
  const folder = await mkdtemp(join(tmpdir(), 'veilcast-bench-'))
  // Postgres runs as another user where we are root.
  await chmod(folder, 0o755)
  return {
    name: 'embedded Postgres',
    config: { kind: 'embedded', dataDir: join(folder, 'postgres') },
    stop: () => rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }),
  }
}

async function freePort(): Promise<number> {
  const server: Server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('No port is free.')
  return address.port
}

const listenAttempts = 200

async function untilListening(port: number): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const socket: Socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return
    } catch (error) {
      if (attempt >= listenAttempts) throw error
      await delay(25)
    } finally {
      socket.destroy()
    }
  }
}
