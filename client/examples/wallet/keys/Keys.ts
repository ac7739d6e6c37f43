import type { OfflineDirectSigner } from '@cosmjs/proto-signing'
import type { LocalAccount } from 'viem'

/** What signs. It stays in memory, outside of React's state, and is never shown, logged or sent. */
export interface Keys {
  readonly evm: LocalAccount
  /** Of chains whose addresses begin with this prefix. */
  readonly cosmos: (prefix: string) => Promise<OfflineDirectSigner>
}

/** What is wrong with what was typed, and never a word of it. */
export class KeyError extends Error {
  override readonly name = 'KeyError'
}
