const maxU64 = (1n << 64n) - 1n

/** The nearest unsigned 64-bit integer; 0 for what is no number. An error must not fail while it is being built. */
export function toU64(value: bigint | number | undefined): bigint {
  if (value === undefined || Number.isNaN(value)) return 0n
  if (value <= 0) return 0n
  if (value >= maxU64) return maxU64
  return BigInt(typeof value === 'number' ? Math.floor(value) : value)
}
