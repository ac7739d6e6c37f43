import type { Handed, InspectedTx } from './ChainAdapter.ts'

const maxAccounts = 4_096

/** Which accounts' state is known to have moved on since it was read. */
export interface HandedLately {
  handed(tx: InspectedTx, result: Handed['kind']): void
  /** Whether its own number or a later one was handed over lately, or one was not taken: what is remembered says nothing. */
  isOutrun(tx: InspectedTx): boolean
}

/** @param maxAgeMs how long account state is remembered */
export function createHandedLately(maxAgeMs: number): HandedLately {
  /** By account in hex: the highest number that was taken, or null where one was not. */
  const last = new Map<string, { readonly sequence: bigint | null; readonly atMs: number }>()

  return {
    handed({ account, sequence }, result) {
      if (account === undefined || sequence === undefined) return
      const name = nameOf(account)
      last.delete(name)
      last.set(name, { sequence: result === 'taken' ? sequence : null, atMs: performance.now() })
      if (last.size <= maxAccounts) return
      for (const oldest of last.keys()) return void last.delete(oldest)
    },
    isOutrun({ account, sequence }) {
      if (account === undefined || sequence === undefined) return false
      const known = last.get(nameOf(account))
      if (!known || performance.now() - known.atMs > maxAgeMs) return false
      return known.sequence === null || sequence <= known.sequence
    },
  }
}

function nameOf(account: Uint8Array): string {
  return Buffer.from(account).toString('hex')
}
