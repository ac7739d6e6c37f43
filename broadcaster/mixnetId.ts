/** What pages, metrics and reports call a Nym client of this process: its place in the configuration, counted from 1. */
export function mixnetId(index: number): string {
  return `nym-${index + 1}`
}
