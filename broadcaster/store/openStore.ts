import { openEmbeddedStore } from './embedded/openEmbeddedStore.ts'
import { openPostgresStore } from './postgres/openPostgresStore.ts'
import type { RedisPlace } from './redis/connectClient.ts'
import { openRedisStore } from './redis/openRedisStore.ts'
import type { Store } from './Store.ts'

export type StoreConfig =
  | { readonly kind: 'embedded'; readonly dataDir: string }
  | { readonly kind: 'postgres'; readonly url: string }
  | ({ readonly kind: 'redis' } & RedisPlace)

/** The store that the config names, not started yet. */
export function openStore(config: StoreConfig): Store {
  switch (config.kind) {
    case 'embedded':
      return openEmbeddedStore(config)
    case 'postgres':
      return openPostgresStore(config)
    case 'redis':
      return openRedisStore(config)
  }
}
