import type { VeilcastClient } from '@veilcast/client'
import { createContext } from 'react'
import type { Connection } from './Connection.ts'

export interface Veilcast {
  readonly client: VeilcastClient
  readonly connection: Connection
  /** Starts the client and asks the broadcaster what it serves. Called again after a failure, it tries again. */
  connect(): void
}

export const VeilcastContext = createContext<Veilcast | undefined>(undefined)
