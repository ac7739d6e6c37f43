import { catalogue, type ErrorName, errorNameOf, type Outcome } from './catalogue.ts'
import { toU64 } from './toU64.ts'
import { VeilcastError } from './VeilcastError.ts'

/** An error as it crosses the wire: a number, an outcome and small typed data, never text from a node. */
export interface WireError {
  readonly number: number
  readonly outcome: Outcome
  /** At most 4, in the order of the row's `values`. */
  readonly values: readonly bigint[]
  /** A Cosmos codespace or nothing; at most 32 printable ASCII characters. */
  readonly label: string
}

/** Values are clamped to u64, the label to 32 printable ASCII characters: building an error never throws. */
export function wireError(
  name: ErrorName,
  values: Readonly<Record<string, bigint | number>> = {},
  more: { outcome?: Outcome; label?: string } = {},
): WireError {
  const row = catalogue[name]
  return {
    number: row.number,
    outcome: more.outcome ?? row.outcome,
    values: row.values.map((field) => toU64(values[field])),
    label: (more.label ?? '').replace(/[^\x21-\x7e]/g, '').slice(0, 32),
  }
}

/** The error that a wallet sees for what came over the wire: texts are rebuilt here from our own catalogue. */
export function fromWireError(wire: WireError): VeilcastError {
  const name = errorNameOf(wire.number)
  if (name === undefined || wire.number >= 1000) {
    return new VeilcastError('internal', {
      outcome: wire.outcome,
      details: `The broadcaster gave error number ${wire.number}, which this version does not know.`,
    })
  }
  const values: Record<string, bigint> = {}
  catalogue[name].values.forEach((field, index) => {
    values[field] = wire.values[index] ?? 0n
  })
  return new VeilcastError(name, { outcome: wire.outcome, values, label: wire.label })
}
