import { VeilcastError } from '@veilcast/shared/errors'

/** What chains answer nests about ten deep; what nests without end breaks who walks through it. */
const maxDepth = 64

/** Hostile bytes. @throws VeilcastError `readFailed` */
export function parseResult(bytes: Uint8Array): unknown {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new VeilcastError('readFailed', { details: 'The answer is no JSON.', cause })
  }
  if (isWithin(value, maxDepth)) return value
  throw new VeilcastError('readFailed', { details: `The answer nests deeper than ${maxDepth}.` })
}

function isWithin(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  return depth > 0 && Object.values(value).every((inner) => isWithin(inner, depth - 1))
}
