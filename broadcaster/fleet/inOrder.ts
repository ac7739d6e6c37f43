import type { SeenProcess } from './Fleet.ts'

/** By name, and of one name by start. */
export function inOrder(seen: readonly SeenProcess[]): SeenProcess[] {
  return [...seen].sort(
    ({ report: a }, { report: b }) => compare(a.name, b.name) || a.startedAtMs - b.startedAtMs,
  )
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
