import type { Store } from './Store.ts'
import { StoreError } from './TxStore.ts'
import { createVault, type Vault } from './vault.ts'

/** Refuses a store that was filled under another key file: with this one, none of it could be read. @throws StoreError */
export async function meetKey({ upkeep }: Store, vault: Vault): Promise<void> {
  const sealedBy = await upkeep.sealedBy()
  if (sealedBy === null) await upkeep.sealFor(vault.fingerprint)
  else if (sealedBy !== vault.fingerprint) throw otherKey()
}

/** The same for a key file that may not be there yet; writes nothing. @throws StoreError */
export async function checkKey({ upkeep }: Store, secret: Uint8Array | undefined): Promise<void> {
  const sealedBy = await upkeep.sealedBy()
  if (sealedBy !== null && (!secret || createVault(secret).fingerprint !== sealedBy)) throw otherKey()
}

const otherKey = (): StoreError =>
  new StoreError(
    'The store was filled under another key file than this one: put that key file in its place, or name another store.',
  )
