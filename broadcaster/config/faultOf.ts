import type { z } from 'zod'

/** What is wrong, in words that repeat no value: it may be a secret. */
export function faultOf(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'unrecognized_keys') return issue.message
  return `unknown ${issue.keys.length === 1 ? 'key' : 'keys'} ${issue.keys.map(wordOf).join(', ')}`
}

/** A value that lost its key, as an URL in braces, is read as a key: only what looks like one is repeated. */
export function wordOf(key: PropertyKey): string {
  const text = String(key)
  return /^([A-Za-z-]{1,32}|\d{1,4})$/.test(text) ? text : '(no plain word)'
}
