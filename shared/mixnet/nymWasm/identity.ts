import { deserialize, serialize } from 'node:v8'
import { type MixnetAddress, MixnetError } from '../Mixnet.ts'

/** Everything that an IndexedDB holds, as plain values. */
interface Dump {
  readonly version: 1
  readonly address: MixnetAddress
  readonly databases: readonly {
    readonly name: string
    readonly version: number
    readonly stores: readonly StoreDump[]
  }[]
}

interface StoreDump {
  readonly name: string
  readonly keyPath: string | string[] | null
  readonly autoIncrement: boolean
  readonly indexes: readonly {
    name: string
    keyPath: string | string[]
    unique: boolean
    multiEntry: boolean
  }[]
  readonly keys: readonly IDBValidKey[]
  readonly values: readonly unknown[]
}

/** The client's keys and its registration at the gateway, out of the IndexedDB of this thread. */
export async function dumpIdentity(address: MixnetAddress): Promise<Uint8Array> {
  const databases = []
  for (const { name, version } of await indexedDB.databases()) {
    if (name === undefined || version === undefined) continue
    const database = await settled(indexedDB.open(name))
    const stores: StoreDump[] = []
    for (const storeName of database.objectStoreNames) {
      const store = database.transaction(storeName).objectStore(storeName)
      const keys = await settled(store.getAllKeys())
      const values = await settled(store.getAll())
      const indexes = [...store.indexNames].map((indexName) => {
        const { name, keyPath, unique, multiEntry } = store.index(indexName)
        return { name, keyPath, unique, multiEntry }
      })
      const { keyPath, autoIncrement } = store
      stores.push({ name: storeName, keyPath, autoIncrement, indexes, keys, values })
    }
    database.close()
    databases.push({ name, version, stores })
  }
  return serialize({ version: 1, address, databases } satisfies Dump)
}

/**
 * Fills the IndexedDB of this thread before the client opens it.
 * @returns the gateway that the identity is registered at
 * @throws MixnetError `unsealed` where the bytes are not such a dump
 */
export async function restoreIdentity(bytes: Uint8Array): Promise<string> {
  const dump = parseDump(bytes)
  for (const { name, version, stores } of dump.databases) {
    const opening = indexedDB.open(name, version)
    opening.onupgradeneeded = () => {
      for (const { name, keyPath, autoIncrement, indexes } of stores) {
        const store = opening.result.createObjectStore(name, { keyPath, autoIncrement })
        for (const { name, keyPath, unique, multiEntry } of indexes)
          store.createIndex(name, keyPath, { unique, multiEntry })
      }
    }
    const database = await settled(opening)
    for (const { name, keyPath, keys, values } of stores) {
      const store = database.transaction(name, 'readwrite').objectStore(name)
      for (const [n, value] of values.entries())
        await settled(keyPath === null ? store.put(value, keys[n]) : store.put(value))
    }
    database.close()
  }
  return dump.address.slice(dump.address.indexOf('@') + 1)
}

function parseDump(bytes: Uint8Array): Dump {
  try {
    const dump = deserialize(bytes) as Partial<Dump> | undefined
    if (dump?.version === 1 && typeof dump.address === 'string' && Array.isArray(dump.databases))
      return dump as Dump
  } catch {
    // Said below.
  }
  throw new MixnetError('unsealed', 'The identity is damaged, or of another version of Veilcast.')
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}
