import { readdir } from 'node:fs/promises'
import { type Environment, storeOf } from '../openBroadcaster.ts'
import type { Role } from '../Role.ts'
import { checkKey } from '../store/meetKey.ts'
import { openStore } from '../store/openStore.ts'
import { checkPort } from './checkPort.ts'
import { checkRole } from './checkRole.ts'
import { type BroadcasterConfig, ConfigError } from './config.ts'
import { keyFileOf, readKeyFile } from './keyFile.ts'
import { lookAtEndpoints } from './lookAtEndpoints.ts'
import { checkDataFolder } from './makeDataFolder.ts'

/** What it needs is not there now, and may be later. */
export class NotThere extends Error {
  override readonly name = 'NotThere'
}

/**
 * Looks, before anything is made or started, at what would stop a broadcaster later or make it do the wrong thing: its role,
 * port, folder and key file, endpoints that are mixed up, and a store of a server. An endpoint that is away stops nothing as long
 * as any endpoint of any chain answers: the others' chains are served, and `/readyz` says what is missing.
 *
 * @throws ConfigError where the configuration is wrong; NotThere, StoreError or DashboardError where something is away or taken
 */
export async function checkBeforeRun(
  config: BroadcasterConfig,
  options: { readonly environment: Environment; readonly role: Role; readonly signal: AbortSignal },
): Promise<void> {
  const { environment, role, signal } = options
  const store = storeOf(config, environment)
  checkRole(role, store.kind)
  await checkDataFolder(config.dataDir)
  const key = await readKeyFile(keyFileOf(config))
  if (store.kind === 'embedded' && !key) await refuseKeyless(store.dataDir, keyFileOf(config))
  await checkPort(config.http.host, config.http.port)

  const looks = await lookAtEndpoints(config.chains, signal)
  const wrong = looks.filter(({ state }) => state === 'wrong')
  if (wrong.length > 0) {
    const lines = wrong.map(({ chain, endpoint, found }) => `  ${chain} ${endpoint}: ${found}`)
    throw new ConfigError(`These endpoints are not what the configuration says:\n${lines.join('\n')}`)
  }
  if (looks.every(({ state }) => state === 'away')) {
    const lines = looks.map(({ chain, endpoint, found }) => `  ${chain} ${endpoint}: ${found}`)
    throw new NotThere(`No endpoint of any chain can be used now:\n${lines.join('\n')}`)
  }

  // The embedded one is made by its start.
  if (store.kind === 'embedded') return
  const trial = openStore(store)
  try {
    await trial.start({ signal })
    await checkKey(trial, key)
  } finally {
    await trial.stop()
  }
}

/** A key that is made anew opens nothing of a store that is there. @throws ConfigError */
export async function refuseKeyless(dataDir: string, keyFile: string): Promise<void> {
  const files = await readdir(dataDir).catch(() => [])
  if (files.length === 0) return
  throw new ConfigError(
    `There is no key file ${keyFile}, and the store in ${dataDir} was filled under one: put it back, or move that folder away.`,
  )
}
