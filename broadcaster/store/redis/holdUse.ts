import { randomUUID } from 'node:crypto'
import { type HeldUse, inUse, type StoreUse, useLost } from '../StoreUse.ts'
import { StoreError } from '../TxStore.ts'
import type { RedisClient } from './connectClient.ts'
import { checkVersion } from './migrate.ts'
import { runScript } from './scripts.ts'

/** A killed process is in nobody's way for longer. */
const ttlMs = 15_000
const renewMs = 4_000

/**
 * Says in the store itself, again and again, that this process uses it. At the same time it looks whether a newer release has
 * made the store its own.
 *
 * @param onLost called at most once, where somebody else was alone with the store meanwhile, or its version is not ours any more
 * @throws StoreError where the store is in use in a way that excludes this one
 */
export async function holdUse(
  client: RedisClient,
  use: StoreUse,
  onLost: (error: StoreError) => void,
): Promise<HeldUse> {
  const id = randomUUID()
  const claim = async (as: StoreUse): Promise<boolean> =>
    (await runScript(client, 'claim', [id, ttlMs, as])) === 1
  let renewing: Promise<void> = Promise.resolve()

  async function renew(): Promise<void> {
    try {
      if (!(await claim(use))) throw useLost()
      await checkVersion(client)
    } catch (error) {
      // A server that does not answer now may answer the next time.
      if (!(error instanceof StoreError)) return
      clearInterval(timer)
      onLost(error)
    }
  }

  if (!(await claim(use))) throw inUse()
  const timer = setInterval(() => {
    renewing = renewing.then(renew)
  }, renewMs)
  return {
    async alone(work) {
      if (!(await claim('alone'))) throw inUse()
      try {
        return await work()
      } finally {
        await runScript(client, 'disclaim', [id]).catch(() => {})
        if (!(await claim(use).catch(() => true))) onLost(useLost())
      }
    },
    async end() {
      clearInterval(timer)
      await renewing
      // Else it ends by itself in a moment.
      await runScript(client, 'disclaim', [id]).catch(() => {})
    },
  }
}
