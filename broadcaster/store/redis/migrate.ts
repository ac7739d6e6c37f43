import type { HeldUse } from '../StoreUse.ts'
import { leavesMajor, type StoreStep, type StoreVersion, stepsDue } from '../storeVersion.ts'
import type { RedisClient } from './connectClient.ts'
import { prefix } from './scripts.ts'

/**
 * What leads from one layout of the keys to the next. Each may run again from any point at which it was cut off. One that has
 * shipped is never edited: append one, of the same `major` as the last where releases that do not know it work on beside it.
 */
export const migrations: readonly StoreStep<(client: RedisClient) => Promise<void>>[] = [
  // The first layout (scripts.ts); the releases that made it had no word for its version.
  { major: 1, work: async () => {} },
]

/**
 * Brings the keys up to date. A step after which older releases cannot work is taken by who is alone only.
 *
 * @param known default: those of this release
 * @throws StoreError where the store is of a newer major, or others use one that is to be left
 */
export async function migrate(client: RedisClient, use: HeldUse, known = migrations): Promise<void> {
  const found = await versionOf(client)
  if (leavesMajor(found, stepsDue(found, known))) await use.alone(() => step(client, known))
  else await step(client, known)
}

/** Of a store that is in use. Writes the version anew where it went with all else, as with FLUSHALL. @throws StoreError */
export async function checkVersion(client: RedisClient): Promise<void> {
  const found = await versionOf(client)
  stepsDue(found, migrations)
  if (!found.isNoted) await step(client, migrations)
}

async function step(client: RedisClient, known: typeof migrations): Promise<void> {
  const found = await versionOf(client)
  const note = ({ step, major }: StoreVersion): Promise<unknown> =>
    client.hset(`${prefix}:life`, 'step', step, 'major', major)
  for (const [step, { major, work }] of stepsDue(found, known)) {
    await work(client)
    await note({ step, major })
  }
  if (!found.isNoted && found.step === known.length) await note(found)
}

async function versionOf(client: RedisClient): Promise<StoreVersion & { readonly isNoted: boolean }> {
  const [id, step, major] = await client.hmget(`${prefix}:life`, 'id', 'step', 'major')
  if (step != null && major != null) return { step: Number(step), major: Number(major), isNoted: true }
  // With an id and without a version it is the first layout.
  return id == null ? { step: 0, major: 0, isNoted: false } : { step: 1, major: 1, isNoted: false }
}
