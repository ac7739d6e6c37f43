import { sha256 } from '@noble/hashes/sha2.js'

export interface Sidecars {
  readonly blobs: readonly Uint8Array[]
  readonly commitments: readonly Uint8Array[]
  readonly proofs: readonly Uint8Array[]
  /** 0: a proof for each blob (EIP-4844). 1: 128 cell proofs for each (EIP-7594). */
  readonly version: bigint
}

const blobBytes = 131_072
const cellsPerBlob = 128

/**
 * Whether sizes and counts are right and each commitment hashes to its versioned hash. KZG proofs are left to the
 * nodes: they need the trusted setup, and a wrong one harms nobody but the sender.
 */
export function checkSidecars(sidecars: Sidecars, versionedHashes: readonly Uint8Array[]): boolean {
  const { blobs, commitments, proofs, version } = sidecars
  const count = versionedHashes.length
  return (
    blobs.length === count &&
    commitments.length === count &&
    proofs.length === (version === 1n ? count * cellsPerBlob : count) &&
    blobs.every(({ length }) => length === blobBytes) &&
    proofs.every(({ length }) => length === 48) &&
    commitments.every(
      (commitment, index) =>
        commitment.length === 48 && isVersionedHash(versionedHashes[index] as Uint8Array, commitment),
    )
  )
}

/** EIP-4844: 0x01, then the last 31 bytes of the commitment's SHA-256. */
function isVersionedHash(hash: Uint8Array, commitment: Uint8Array): boolean {
  return hash[0] === 1 && Buffer.compare(hash.subarray(1), sha256(commitment).subarray(1)) === 0
}
