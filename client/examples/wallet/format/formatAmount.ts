/** Base units as people read them, exact, with the digits grouped: 1234500000000000000n of 18 decimals is `1.2345`. */
export function formatAmount(baseUnits: bigint, decimals: number): string {
  const digits = baseUnits.toString().padStart(decimals + 1, '0')
  const whole = digits.slice(0, digits.length - decimals)
  const fraction = decimals === 0 ? '' : digits.slice(-decimals).replace(/0+$/, '')
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, '\u00a0')
  return fraction ? `${grouped}.${fraction}` : grouped
}

/** The same with at most so many decimals, rounded down: nobody is shown more than there is. */
export function formatRoughly(baseUnits: bigint, decimals: number, maxDecimals = 6): string {
  if (decimals <= maxDecimals) return formatAmount(baseUnits, decimals)
  const step = 10n ** BigInt(decimals - maxDecimals)
  if (baseUnits > 0n && baseUnits < step) return `< ${formatAmount(step, decimals)}`
  return formatAmount(baseUnits - (baseUnits % step), decimals)
}
