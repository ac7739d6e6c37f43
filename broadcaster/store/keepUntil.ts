import { maxNotAfterSeconds } from '@veilcast/shared/protocol'
import type { TxRecord } from './TxStore.ts'

/** Clocks of wallets and of our machines differ by less than this. */
export const clockToleranceSeconds = 60

/**
 * When a record that ends now may be swept: once it was kept for as long as outcomes are. One of which no byte was handed over
 * stays until no message that brought it can be taken any more, since a late copy of one would make it anew, and send what
 * its wallet was told is not sent. Of several messages the latest `notAfter` is not known: a day covers each.
 */
export function keepUntilMs(record: TxRecord, retentionSeconds: number, nowMs: number): number {
  const retainedMs = nowMs + retentionSeconds * 1000
  if (record.exposedTo !== null) return retainedMs
  const latestMs =
    record.requestMacs.length > 1 ? nowMs + maxNotAfterSeconds * 1000 : Math.max(record.notAfterMs, nowMs)
  return Math.max(retainedMs, latestMs + clockToleranceSeconds * 1000)
}
