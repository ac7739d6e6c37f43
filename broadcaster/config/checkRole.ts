import type { Role } from '../Role.ts'
import { ConfigError } from './config.ts'

/** @throws ConfigError where a role needs a store that processes share, and this one is for one process */
export function checkRole(role: Role, storeKind: string): void {
  if (role === 'all' || storeKind !== 'embedded') return
  throw new ConfigError(
    `The role ${role} shares its store with other processes, and the embedded one serves one process: set store to a redis or postgres server.`,
  )
}
