import { access, chmod, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describeError } from '../observability/logger.ts'
import { type Environment, storeOf } from '../openBroadcaster.ts'
import type { Role } from '../Role.ts'
import { checkKey } from '../store/meetKey.ts'
import { openStore, type StoreConfig } from '../store/openStore.ts'
import { NotThere, refuseKeyless } from './checkBeforeRun.ts'
import { checkPort } from './checkPort.ts'
import { checkRole } from './checkRole.ts'
import type { BroadcasterConfig } from './config.ts'
import { keyFileOf, readKeyFile } from './keyFile.ts'
import { lookAtEndpoints } from './lookAtEndpoints.ts'
import { checkDataFolder } from './makeDataFolder.ts'
import type { MixnetConfig } from './mixnetConfig.ts'
import { identityFileOf, openListeners } from './openListener.ts'

export interface Finding {
  readonly what: string
  readonly ok: boolean
  readonly found: string
}

export interface CheckOptions {
  readonly environment: Environment
  readonly role: Role
  readonly signal: AbortSignal
  /** Before each thing that may take a while. */
  readonly onStep?: (what: string) => void
  readonly onFinding?: (finding: Finding) => void
}

const mixnetLimitMs = 60_000

/**
 * Tries everything that `run` would need, one after the other. Nothing is left: what `run` would make is tried in a folder beside
 * it, which is removed.
 *
 * @throws the signal's reason
 */
export async function checkSetup(
  config: BroadcasterConfig,
  options: CheckOptions,
): Promise<readonly Finding[]> {
  const { environment, role, signal } = options
  const findings: Finding[] = []
  const add = (what: string, ok: boolean, found: string): void => {
    findings.push({ what, ok, found })
    options.onFinding?.({ what, ok, found })
  }
  const attempt = async (what: string, work: () => Promise<string>): Promise<boolean> => {
    options.onStep?.(what)
    try {
      add(what, true, await work())
      return true
    } catch (error) {
      signal.throwIfAborted()
      const { name, message } = describeError(error)
      add(what, false, message ?? name)
      return false
    }
  }

  const store = storeOf(config, environment)
  if (role !== 'all') {
    await attempt('role', async () => {
      checkRole(role, store.kind)
      return `${role}, over a store that others share`
    })
  }
  const folder = await tryFolder(config.dataDir, attempt)
  let key: Uint8Array | undefined
  await attempt('key file', async () => {
    key = await readKeyFile(keyFileOf(config))
    if (key) return 'readable by its owner only'
    if (store.kind === 'embedded') await refuseKeyless(store.dataDir, keyFileOf(config))
    return 'not there yet: the first run makes it, or init'
  })
  const isFree = await attempt('dashboard', async () => {
    await checkPort(config.http.host, config.http.port)
    return `${config.http.host}:${config.http.port} is free`
  })

  async function tryMixnet(mixnet: MixnetConfig, index: number): Promise<string> {
    let ours = true
    let tried = mixnet
    if (mixnet.transport === 'nym-wasm') {
      const identityFile = identityFileOf(mixnet, config.dataDir, index)
      // A client with the same keys, as of a broadcaster that runs, would be cut off by this one.
      ours = isFree && (await exists(identityFile))
      tried = {
        ...mixnet,
        identityFile: ours ? identityFile : join(await scratchFolder(), `nym-${index + 1}.identity`),
      }
    }
    const [listener] = await openListeners([tried], config.dataDir)
    if (!listener) throw new Error('no listener')
    const late = AbortSignal.timeout(mixnetLimitMs)
    try {
      await listener.start({ signal: AbortSignal.any([signal, late]) }).catch((error: unknown) => {
        if (!late.aborted) throw error
        throw new NotThere(`No round trip came back within ${mixnetLimitMs / 1000} s.`)
      })
      const tookMs = listener.lastRoundTrip?.()?.tookMs
      const took = `a round trip took ${tookMs === undefined ? '?' : Math.round(tookMs)} ms`
      return ours ? `${took}; our address is ${listener.address()}` : `${took}, with keys for this check only`
    } finally {
      await listener.stop()
    }
  }

  let scratch: Promise<string> | undefined
  const scratchFolder = (): Promise<string> => {
    if (!folder) throw new Error('no folder')
    scratch ??= mkdtemp(join(folder, '.veilcast-check-')).then(async (path) => {
      // The embedded Postgres runs as another user where we are root.
      await chmod(path, 0o755)
      return path
    })
    return scratch
  }
  try {
    if (folder || store.kind !== 'embedded') {
      await attempt('store', () => tryStore(store, key, scratchFolder, signal))
    } else add('store', false, 'not tried: it would be in the data folder')

    options.onStep?.('endpoints')
    for (const { chain, endpoint, state, found } of await lookAtEndpoints(config.chains, signal)) {
      add(`${chain} ${endpoint}`, state === 'ok', found)
    }

    if (role === 'worker') return findings
    for (const [index, mixnet] of config.mixnets.entries()) {
      const what = config.mixnets.length === 1 ? 'mixnet' : `mixnet ${index + 1}`
      await attempt(what, () => tryMixnet(mixnet, index))
    }
    return findings
  } finally {
    if (scratch) await rm(await scratch, { recursive: true, force: true })
  }
}

/** The folder in which something can be tried; undefined where there is none. */
async function tryFolder(
  dataDir: string,
  attempt: (what: string, work: () => Promise<string>) => Promise<boolean>,
): Promise<string | undefined> {
  let there: string | undefined
  await attempt('data folder', async () => {
    there = await checkDataFolder(dataDir)
    return there === dataDir ? 'ours' : 'not there yet: the first run makes it'
  })
  return there
}

async function tryStore(
  config: StoreConfig,
  key: Uint8Array | undefined,
  scratchFolder: () => Promise<string>,
  signal: AbortSignal,
): Promise<string> {
  const isNew = config.kind === 'embedded' && !(await exists(config.dataDir))
  const store = openStore(isNew ? { ...config, dataDir: join(await scratchFolder(), 'postgres') } : config)
  try {
    await store.start({ signal })
    await store.records.ping()
    await checkKey(store, key)
    const { durability } = store.records
    return `${store.kind}, durability ${durability}${isNew ? '; not there yet: the first run makes it' : ''}`
  } finally {
    await store.stop()
  }
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )
