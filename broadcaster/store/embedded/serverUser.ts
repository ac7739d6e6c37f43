import { stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

export interface ServerUser {
  readonly uid: number
  readonly gid: number
}

/** Postgres refuses to run as root: then it runs as `nobody`, which passwd knows on Linux. Else as ourselves. */
export function serverUser(): ServerUser | undefined {
  return process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : undefined
}

/** Whether the user may walk down to this folder. */
export async function reachable(folder: string, user: ServerUser | undefined): Promise<boolean> {
  if (user === undefined) return true
  for (let path = resolve(folder); ; path = dirname(path)) {
    const { mode, uid, gid } = await stat(path)
    const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001
    if ((mode & bit) === 0) return false
    if (path === dirname(path)) return true
  }
}
