import type { Transfer } from './Transfer.ts'

const place = 'veilcast-wallet-transfers'
export const maxKeptTransfers = 50

export interface KeptTransfers {
  readonly transfers: readonly Transfer[]
  /** What lay there could not be read, or not all of it. */
  readonly damaged: boolean
}

export function findTransfers(storage: () => Storage): KeptTransfers {
  try {
    const value: unknown = JSON.parse(storage().getItem(place) ?? '[]')
    if (!Array.isArray(value)) return { transfers: [], damaged: true }
    const transfers = value.filter(isTransfer).slice(0, maxKeptTransfers)
    return { transfers, damaged: transfers.length < value.length }
  } catch {
    return { transfers: [], damaged: true }
  }
}

/** False where the browser's storage is full or closed. */
export function keepTransfers(storage: () => Storage, transfers: readonly Transfer[]): boolean {
  try {
    if (transfers.length === 0) storage().removeItem(place)
    else storage().setItem(place, JSON.stringify(transfers.slice(0, maxKeptTransfers)))
    return true
  } catch {
    return false
  }
}

function isTransfer(value: unknown): value is Transfer {
  if (typeof value !== 'object' || value === null) return false
  const kept = value as Record<string, unknown>
  return (
    ['id', 'chain'].every((name) => typeof kept[name] === 'string') &&
    ['to', 'txId', 'requestId', 'height'].every((name) => isTextOrNothing(kept[name])) &&
    (kept.amount === undefined || (typeof kept.amount === 'string' && /^\d{1,80}$/.test(kept.amount))) &&
    typeof kept.sentAtMs === 'number' &&
    typeof kept.repeated === 'number' &&
    (['running', 'ended', 'silent'] as unknown[]).includes(kept.progress) &&
    Array.isArray(kept.stages) &&
    kept.stages.every(isHeardStage) &&
    (kept.failure === undefined || isFailure(kept.failure))
  )
}

function isTextOrNothing(value: unknown): boolean {
  return value === undefined || typeof value === 'string'
}

function isHeardStage(value: unknown): boolean {
  const heard = value as { stage?: unknown; atMs?: unknown } | null
  return typeof heard?.stage === 'string' && typeof heard.atMs === 'number'
}

function isFailure(value: unknown): boolean {
  const failure = value as Record<string, unknown> | null
  return ['outcome', 'text', 'advice'].every((name) => typeof failure?.[name] === 'string')
}
