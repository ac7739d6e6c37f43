import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ChainStartError } from './errors.ts'
import { isProcessAlive } from './isProcessAlive.ts'
import { removeLeftovers } from './removeLeftovers.ts'
import { stopGroup } from './spawnGroup.ts'

const temporaryPrefix = 'veilcast-cosmos-'

/** Who runs the chain in a home, in `running.json`. */
type Running = { ownerProcessId: number; groupId: number }

/** A new folder for a chain that is to leave nothing behind; its name tells whose it is. */
export function makeTemporaryHome(): Promise<string> {
  return mkdtemp(join(tmpdir(), `${temporaryPrefix}${process.pid}-`))
}

/** Stops the chains and removes the folders of processes that died without doing so. */
export function removeAbandonedHomes(): Promise<void> {
  return removeLeftovers(tmpdir(), temporaryPrefix, (folder) => claimHome(join(folder, 'home')))
}

/**
 * Stops the chain that a dead owner left running in a home.
 *
 * @throws ChainStartError if the owner is alive
 */
export async function claimHome(home: string): Promise<void> {
  const path = join(home, 'running.json')
  const running = await readRunning(path)
  if (!running) return
  const { ownerProcessId, groupId } = running
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

async function readRunning(path: string): Promise<Running | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Running
  } catch {
    return undefined
  }
}

/** Process ids are used again: only a group with a process whose command line names the home is the chain in it. */
function runsIn(groupId: number, home: string): boolean {
  const listed = execFileSync('ps', ['-A', '-ww', '-o', 'pgid=,args='], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  })
  return listed
    .split('\n')
    .some((line) => Number.parseInt(line.trim(), 10) === groupId && line.includes(home))
}
