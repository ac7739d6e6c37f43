import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isProcessAlive } from './isProcessAlive.ts'

/**
 * Removes the entries of a folder named `<prefix><process id>-…` whose process is dead, each after `beforeEach` of its
 * path. What another user owns stays.
 */
export async function removeLeftovers(
  folder: string,
  prefix: string,
  beforeEach?: (path: string) => Promise<void>,
): Promise<void> {
  for (const entry of await readdir(folder)) {
    if (!entry.startsWith(prefix)) continue
    const owner = Number.parseInt(entry.slice(prefix.length), 10)
    if (!owner || isProcessAlive(owner)) continue
    const path = join(folder, entry)
    await beforeEach?.(path)
    await rm(path, { recursive: true, force: true }).catch(() => {})
  }
}
