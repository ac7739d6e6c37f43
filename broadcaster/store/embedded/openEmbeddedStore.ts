import { liveStore } from '../liveStore.ts'
import { failure } from '../postgres/failure.ts'
import { connectPostgres } from '../postgres/openPostgresStore.ts'
import type { Store } from '../Store.ts'
import { keepServer } from './keepServer.ts'

/**
 * A record and a queue with nothing to install: a Postgres from npm, on a folder that one broadcaster at a time owns. It
 * listens on a Unix socket only. As root, Postgres runs as `nobody` and must be able to reach the folder. It is started anew
 * when it dies.
 *
 * @param options.dataDir made where it is missing; about 50 MB when empty
 */
export function openEmbeddedStore({ dataDir }: { readonly dataDir: string }): Store {
  return liveStore('embedded', async (signal, onFailure, use) => {
    const server = await keepServer(dataDir, signal, onFailure).catch((error: unknown) => {
      signal.throwIfAborted()
      throw failure('be started on the data folder', error)
    })
    try {
      const life = await connectPostgres(server.connection, { signal, onFailure, use })
      return {
        ...life,
        async stop() {
          try {
            await life.stop()
          } finally {
            await server.stop()
          }
        },
      }
    } catch (error) {
      await server.stop()
      throw error
    }
  })
}
