import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** The Postgres that runs on a data folder, as its postmaster.pid tells; undefined where none does. */
export async function findPostmaster(data: string): Promise<number | undefined> {
  const file = join(data, 'postmaster.pid')
  const text = await readFile(file, 'utf8').catch(() => '')
  const pid = Number.parseInt(text, 10)
  if (!(pid > 1) || !isAlive(pid)) return undefined
  if (await isPostgres(pid)) return pid
  // After a restart of a container the number may be another's, and Postgres would not start.
  await rm(file, { force: true })
  return undefined
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

async function isPostgres(pid: number): Promise<boolean> {
  if (process.platform !== 'linux') return true
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return commandLine.includes('postgres')
}
