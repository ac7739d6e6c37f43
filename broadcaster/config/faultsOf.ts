import { z } from 'zod'
import { allPaths, keysAt, schemasAt } from './configKeys.ts'
import { nearest } from './nearest.ts'

export interface Fault {
  readonly path: readonly PropertyKey[]
  readonly text: string
}

/** What is wrong, in words that repeat no value: it may be a secret. `value` is the whole configuration as written. */
export function faultsOf(issue: z.core.$ZodIssue, value: unknown): readonly Fault[] {
  const { path } = issue
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key], text: unknownKey(key, path, value) }))
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    // Of one or a list, that which was written.
    const meant = issue.errors.find((branch) => !branch.some((one) => one.path.length === 0)) ?? []
    if (meant.length > 0) {
      return meant.flatMap((one) => faultsOf({ ...one, path: [...path, ...one.path] }, value))
    }
  }
  const words = fixedWordsAt(path)
  const expected = words.length > 0 ? `one of ${words.join(', ')}` : plainly(issue.message)
  if (valueAt(path, value) !== undefined) return [{ path, text: expected }]
  const meaning = schemasAt(path.slice(0, -1), value)
    .map((schema) => (schema instanceof z.ZodObject ? schema.shape[String(path.at(-1))] : undefined))
    .map((schema) => schema?.description as string | undefined)
    .find((text) => text !== undefined)
  return [
    {
      path,
      text: ['is missing', words.length > 0 ? `: ${expected}` : '', meaning ? `. ${meaning}` : ''].join(''),
    },
  ]
}

/** Zod's words without the name of the check. */
const plainly = (message: string): string =>
  message.replace(/^(Invalid (input|string)|Too small|Too big): /, '').replace(/^expected \w+ to /, 'has to ')

function unknownKey(key: string, path: readonly PropertyKey[], value: unknown): string {
  const meant = nearest(key, keysAt(path, value))
  if (meant !== undefined) return `unknown key; did you mean ${meant}?`
  const elsewhere = allPaths().find((one) => one.at(-1) === key && one.length > 1)
  return elsewhere ? `unknown key here; there is ${elsewhere.join('.')}` : 'unknown key'
}

/** What a key has to be where only certain words can stand. */
function fixedWordsAt(path: readonly PropertyKey[]): readonly string[] {
  return schemasAt(path).flatMap((schema) => {
    if (schema instanceof z.ZodLiteral) return [...schema.values].map(String)
    return schema instanceof z.ZodEnum ? schema.options.map(String) : []
  })
}

function valueAt(path: readonly PropertyKey[], value: unknown): unknown {
  return path.reduce<unknown>(
    (at, word) =>
      typeof at === 'object' && at !== null ? (at as Record<PropertyKey, unknown>)[word] : undefined,
    value,
  )
}

/** A value that lost its key, as an URL in braces, is read as a key: only what looks like one is repeated. */
export function pathText(path: readonly PropertyKey[]): string {
  return path.map(wordOf).join('.') || '(whole file)'
}

function wordOf(key: PropertyKey): string {
  const text = String(key)
  known ??= new Set(
    allPaths()
      .flat()
      .map((word) => word.toLowerCase()),
  )
  return known.has(text.toLowerCase()) || /^([A-Za-z-]{1,32}|\d{1,4})$/.test(text) ? text : '(no plain word)'
}

let known: ReadonlySet<string> | undefined
