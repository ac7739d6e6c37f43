export type ParsedAmount =
  | { readonly ok: true; readonly baseUnits: bigint }
  | { readonly ok: false; readonly reason: string }

/** What a person types, in base units. A comma is not guessed at: it means two things in two countries. */
export function parseAmount(text: string, decimals: number): ParsedAmount {
  const trimmed = text.trim()
  if (trimmed === '') return wrong('Say how much.')
  if (trimmed.includes(',')) return wrong('Write decimals with a point, and no commas: 1234.5')
  const match = /^(\d{1,30})(?:\.(\d{1,36}))?$/.exec(trimmed)
  if (!match) return wrong('This is no amount. Write digits and at most one point: 0.05')
  const [, whole = '0', fraction = ''] = match
  if (fraction.length > decimals) return wrong(`There are ${decimals} decimals at most.`)
  const baseUnits = BigInt(whole + fraction.padEnd(decimals, '0'))
  return baseUnits > 0n ? { ok: true, baseUnits } : wrong('Send more than nothing.')
}

function wrong(reason: string): ParsedAmount {
  return { ok: false, reason }
}
