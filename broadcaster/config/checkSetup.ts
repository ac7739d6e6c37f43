import { join } from 'node:path'
import { describeError } from '../observability/logger.ts'
import { type Environment, storeOf } from '../openBroadcaster.ts'
import { openStore } from '../store/openStore.ts'
import type { BroadcasterConfig } from './config.ts'
import { openKeyFile } from './keyFile.ts'
import { makeDataFolder } from './makeDataFolder.ts'
import { openListeners } from './openListener.ts'

export interface Finding {
  readonly what: string
  readonly ok: boolean
  readonly found: string
}

const mixnetLimitMs = 60_000

/** Tries everything that `run` would need, one after the other, and leaves nothing running. */
export async function checkSetup(
  config: BroadcasterConfig,
  environment: Environment,
): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const attempt = async (what: string, work: () => Promise<string>): Promise<void> => {
    try {
      findings.push({ what, ok: true, found: await work() })
    } catch (error) {
      const { name, message } = describeError(error)
      findings.push({ what, ok: false, found: message ?? name })
    }
  }

  await attempt('data folder', async () => {
    await makeDataFolder(config.dataDir)
    return 'ours'
  })
  await attempt('key file', async () => {
    await openKeyFile(config.keyFile ?? join(config.dataDir, 'veilcast.key'))
    return 'readable by its owner only'
  })
  await attempt('store', async () => {
    const store = openStore(storeOf(config, environment))
    try {
      await store.start()
      await store.records.ping()
      return `${store.kind}, durability ${store.records.durability}`
    } finally {
      await store.stop()
    }
  })
  for (const { chain, create } of config.chains) {
    const adapter = create()
    try {
      await adapter.start()
      for (const { id, live, height, trouble } of adapter.endpoints()) {
        findings.push({ what: `${chain} ${id}`, ok: live, found: live ? `at block ${height}` : trouble })
      }
    } finally {
      await adapter.stop()
    }
  }
  for (const [index, listener] of (await openListeners(config.mixnets, config.dataDir)).entries()) {
    await attempt(config.mixnets.length === 1 ? 'mixnet' : `mixnet ${index + 1}`, async () => {
      try {
        await listener.start({ signal: AbortSignal.timeout(mixnetLimitMs) })
        const tookMs = listener.lastRoundTrip?.()?.tookMs
        return `a round trip took ${tookMs === undefined ? '?' : Math.round(tookMs)} ms; our address is ${listener.address()}`
      } finally {
        await listener.stop()
      }
    })
  }
  return findings
}
