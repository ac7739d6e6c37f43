import { execFileSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ChainStartError } from './errors.ts'
import { isProcessAlive } from './isProcessAlive.ts'
import { stopGroup } from './spawnGroup.ts'

const temporaryPrefix = 'veilcast-cosmos-'

/** Who runs the chain in a home, in `running.json`. */
type Running = { ownerProcessId: number; groupId: number }

/** A new folder for a chain that is to leave nothing behind; its name tells whose it is. */
export function makeTemporaryHome(): Promise<string> {
  return mkdtemp(join(tmpdir(), `${temporaryPrefix}${process.pid}-`))
}

/** Stops the chains and removes the folders of processes that died without doing so. */
export async function removeAbandonedHomes(): Promise<void> {
  for (const entry of await readdir(tmpdir())) {
    if (!entry.startsWith(temporaryPrefix)) continue
    const owner = Number.parseInt(entry.slice(temporaryPrefix.length), 10)
    if (!owner || isProcessAlive(owner)) continue
    const folder = join(tmpdir(), entry)
    await claimHome(join(folder, 'home'))
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * Stops the chain that a dead owner left running in a home.
 *
 * @throws ChainStartError if the owner is alive
 */
export async function claimHome(home: string): Promise<void> {
  const path = join(home, 'running.json')
  const text = await readFile(path, 'utf8').catch(() => undefined)
  if (text === undefined) return
  const { ownerProcessId, groupId } = JSON.parse(text) as Running
  if (runsIn(groupId, home)) {
    if (isProcessAlive(ownerProcessId)) {
      throw new ChainStartError(`process ${ownerProcessId} runs a chain in ${home}`)
    }
    await stopGroup(groupId)
  }
  await rm(path, { force: true })
}

export function writeRunning(home: string, groupId: number): Promise<void> {
  const running: Running = { ownerProcessId: process.pid, groupId }
  return writeFile(join(home, 'running.json'), JSON.stringify(running))
}

export function removeRunning(home: string): Promise<void> {
  return rm(join(home, 'running.json'), { force: true })
}

/** Process ids are used again: only a process whose command line names the home is the chain in it. */
function runsIn(processId: number, home: string): boolean {
  try {
    const command = execFileSync('ps', ['-ww', '-o', 'args=', '-p', String(processId)], { encoding: 'utf8' })
    return command.includes(home)
  } catch {
    return false
  }
}
