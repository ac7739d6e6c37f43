import { VeilcastError } from '@veilcast/shared/errors'

/**
 * What the door is built from: a field takes whatever a caller passed, and gives what the rest trusts or throws VeilcastError
 * `invalidArgument`, whose details name the field and never show its value.
 */
export type Field<T> = (value: unknown, path: string) => T
type Fields = Readonly<Record<string, Field<unknown>>>
type Parsed<F extends Fields> = { readonly [K in keyof F]: ReturnType<F[K]> }

/** What `test` holds for, taken as it is. The message goes on from the field's name: `is a function`. */
export function that<T>(test: (value: unknown) => boolean, message: string): Field<T> {
  return (value, path) => {
    if (!test(value)) throw invalid(`${path}: ${message}.`)
    return value as T
  }
}

export function whole(min: number, max: number): Field<number> {
  return that(
    (value) => Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max,
    `is a whole number from ${min} to ${max}`,
  )
}

/** `undefined` stands for `otherwise`. */
export function or<T, const D>(field: Field<T>, otherwise: D): Field<T | D> {
  return (value, path) => (value === undefined ? otherwise : field(value, path))
}

export function optional<T>(field: Field<T>): Field<T | undefined> {
  return or(field, undefined)
}

/** These fields of an object; what else it has is not looked at. `at` stands before their names. */
export function loose<F extends Fields>(fields: F, at = ''): Field<Parsed<F>> {
  return (value, path) => {
    if (!isObject(value) || Array.isArray(value)) throw invalid(`${path}: is an object.`)
    const parsed: Record<string, unknown> = {}
    for (const [name, field] of Object.entries(fields)) parsed[name] = field(value[name], at + name)
    return parsed as Parsed<F>
  }
}

/** An object with these fields and no other. */
export function strict<F extends Fields>(fields: F, at = ''): Field<Parsed<F>> {
  const known = loose(fields, at)
  return (value, path) => {
    const parsed = known(value, path)
    const unknown = Object.keys(Object(value)).filter((name) => !Object.hasOwn(fields, name))
    if (unknown.length > 0) throw invalid(`${unknown.map((name) => at + name).join(', ')}: unknown.`)
    return parsed
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

export function invalid(details: string): VeilcastError {
  return new VeilcastError('invalidArgument', { details })
}
