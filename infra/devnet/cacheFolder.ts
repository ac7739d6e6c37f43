import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where built binaries are kept: `$XDG_CACHE_HOME/veilcast`, else `~/.cache/veilcast`. */
export function cacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'veilcast')
}
