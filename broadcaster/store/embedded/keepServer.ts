import { rename, rmdir } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { ClientConfig } from 'pg'
import { StoreError } from '../TxStore.ts'
import { prepareFolder } from './prepareFolder.ts'
import { type EmbeddedServer, startServer } from './startServer.ts'

export interface KeptServer {
  readonly connection: ClientConfig
  /** Ends it within 15 s, and what is under way to start it anew. Throws StoreError where it still runs then. */
  stop(): Promise<void>
}

/** Restarts in a row, without {@link steadyMs} of life between them, before it is given up. */
const maxRestarts = 6
const firstPauseMs = 100
/** Who lived this long has not died of its start. */
const steadyMs = 10_000

/**
 * Keeps a Postgres running on the folder: one that dies, as under `kill -9` or when memory runs out, is started anew at
 * once, then after 0.2 s doubling to 3.2 s. The sixth restart in a row that does not last is the last one.
 *
 * @param onGivenUp called at most once, with why: it does not come back by itself
 * @throws StoreError where it does not start at first, or another process owns the folder
 */
export async function keepServer(
  dataDir: string,
  signal: AbortSignal,
  onGivenUp: (error: StoreError) => void,
): Promise<KeptServer> {
  const folder = await prepareFolder(dataDir, signal)
  const stopping = new AbortController()
  let server: EmbeddedServer | undefined = await startServer(folder, signal)
  const { connection } = server

  async function keep(): Promise<void> {
    let restarts = 0
    while (server !== undefined) {
      const startedAtMs = Date.now()
      await Promise.race([server.exited, aborted(stopping.signal)])
      if (stopping.signal.aborted) return
      if (Date.now() - startedAtMs >= steadyMs) restarts = 0
      // What it said last, which the next one would write over.
      await rename(folder.logFile, `${folder.logFile}.before`).catch(() => {})
      await server.stop().catch(() => {})
      server = undefined
      while (server === undefined) {
        if (restarts === maxRestarts) {
          onGivenUp(
            new StoreError(
              `Postgres ended ${maxRestarts + 1} times in a row: postgres.log in the data folder may say why.`,
            ),
          )
          return
        }
        const pauseMs = restarts === 0 ? 0 : firstPauseMs * 2 ** restarts
        restarts++
        await delay(pauseMs, undefined, { signal: stopping.signal }).catch(() => {})
        if (stopping.signal.aborted) return
        server = await startServer(folder, stopping.signal).catch(() => undefined)
      }
    }
  }
  const keeping = keep()

  return {
    connection,
    async stop() {
      stopping.abort()
      await keeping
      await server?.stop()
      // Not where one server ends: the next one needs it.
      if (!folder.sockets.startsWith(folder.path)) await rmdir(folder.sockets).catch(() => {})
    },
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
