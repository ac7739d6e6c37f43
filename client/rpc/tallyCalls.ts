import { performance } from 'node:perf_hooks'
import { maxMethodsTold } from './limits.ts'

export interface Tally {
  readonly chain: string
  readonly method: string
  /** All that were asked, those in flight and those refused included. */
  asked: number
  /** Answered before any reply came back. */
  fromMemory: number
  failed: number
  inFlight: number
}

export interface Tallies {
  /** Counts one call. What it gives back ends it, and is called once. */
  begin(chain: string, method: string): (how: 'answered' | 'failed') => void
  rows(): readonly Readonly<Tally>[]
  /** Of the calls that were answered through the mixnet, smoothed; undefined before the first. */
  answerMs(): number | undefined
}

/**
 * Counts calls by method. Addresses and hashes in a path are left out: the page is made to be shown.
 * @param repliesHeard how many replies have come; a call during which none came was answered from memory. Undefined: not known.
 */
export function tallyCalls(repliesHeard: (() => number) | undefined): Tallies {
  const rows = new Map<string, Tally>()
  let smoothedMs: number | undefined

  return {
    begin(chain, method) {
      const name = rows.size < maxMethodsTold ? withoutNames(method) : 'other'
      const row = rows.get(`${chain} ${name}`) ?? newRow(chain, name)
      rows.set(`${chain} ${name}`, row)
      const before = repliesHeard?.()
      const startedAtMs = performance.now()
      row.asked += 1
      row.inFlight += 1
      return (how) => {
        row.inFlight -= 1
        if (how === 'failed') row.failed += 1
        else if (before !== undefined && repliesHeard?.() === before) row.fromMemory += 1
        else {
          const tookMs = performance.now() - startedAtMs
          smoothedMs = smoothedMs === undefined ? tookMs : smoothedMs * 0.875 + tookMs * 0.125
        }
      }
    },
    rows: () => [...rows.values()],
    answerMs: () => smoothedMs,
  }
}

function newRow(chain: string, method: string): Tally {
  return { chain, method, asked: 0, fromMemory: 0, failed: 0, inFlight: 0 }
}

const version = /^v\d+((alpha|beta)\d+)?$/
const word = /^[A-Za-z_-]{1,32}$/

/** `/cosmos/bank/v1beta1/balances/cosmos1…` becomes `/cosmos/bank/v1beta1/balances/…`. */
function withoutNames(method: string): string {
  if (!method.startsWith('/')) return /^[A-Za-z0-9_]{1,40}$/.test(method) ? method : 'other'
  return method
    .split('/')
    .slice(0, 8)
    .map((part) => (part === '' || version.test(part) || word.test(part) ? part : '…'))
    .join('/')
}
