import { createHash, timingSafeEqual } from 'node:crypto'
import type { Request } from 'express'

const maxTokenChars = 512

export function bearerOf(request: Request): string | undefined {
  const found = /^Bearer ([\x21-\x7e]+)$/.exec(request.headers.authorization ?? '')
  return found?.[1] !== undefined && found[1].length <= maxTokenChars ? found[1] : undefined
}

/** Takes equally long, however much of it is right. */
export function isSameToken(given: string, wanted: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(wanted))
}
