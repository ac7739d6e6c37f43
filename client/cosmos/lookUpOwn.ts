import type { OwnTransactions, ResultForm } from './ownTransactions.ts'
import type { Wait } from './Wait.ts'
import { waitAtMost } from './waitAtMost.ts'

export interface Lookup {
  /** The chain's answer; undefined while there is none. */
  read(hash: string, wait: Wait): Promise<unknown>
  /** Whether the answer is the result, which does not change any more. */
  isResult(answer: unknown): boolean
}

/**
 * What became of a transaction, by its hash in upper case; undefined: it is in no block. Of our own nothing is asked before it
 * is known to be included, and then once.
 * @throws VeilcastError what ended it, or what the read throws
 */
export async function lookUpOwn(
  transactions: OwnTransactions,
  form: ResultForm,
  lookup: Lookup,
  hash: string,
  wait: Wait,
): Promise<unknown> {
  const own = transactions.find(hash)
  if (!own) return lookup.read(hash, wait)
  if (own.kept[form] !== undefined) return own.kept[form]
  if (own.phase === 'open') {
    // Once, as soon as there is a result: who polls will ask again.
    own.onIncluded ??= () => {
      lookUpOwn(transactions, form, lookup, hash, { ...wait, signal: undefined }).catch(() => undefined)
    }
    return undefined
  }
  if (own.error && own.error.outcome !== 'unknown') throw own.error

  // Shared by all who ask meanwhile: no one's signal ends it.
  own.looking[form] ??= lookup
    .read(hash, { signal: undefined, timeoutMs: wait.timeoutMs })
    .then((answer) => {
      if (answer !== undefined && lookup.isResult(answer)) own.kept[form] = answer
      return answer
    })
    .finally(() => {
      delete own.looking[form]
    })
  const answer = await waitAtMost(own.looking[form], wait)
  if (answer === undefined && own.error) throw own.error
  return answer
}
