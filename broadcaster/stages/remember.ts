import type { TxKey } from '../store/TxStore.ts'

const maxRemembered = 4096

/** Of a bounded map the oldest entry goes. */
export function remember<T>(map: Map<TxKey, T>, key: TxKey, value: T): void {
  const oldest = map.keys().next()
  if (map.size >= maxRemembered && !oldest.done && !map.has(key)) map.delete(oldest.value)
  map.set(key, value)
}
