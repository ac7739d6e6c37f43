import type { Request, RequestHandler } from 'express'

/**
 * Refuses what a page of another site makes a browser ask, except to open one of our pages by a link. What changes something
 * has to prove that it comes from our own page, besides the cookie, which other sites do not get to send.
 */
export const sameOrigin: RequestHandler = (request, response, next) => {
  const site = request.headers['sec-fetch-site']
  const changes = request.method !== 'GET' && request.method !== 'HEAD'
  if (changes ? isProven(request) : isHarmless(request, site)) next()
  else response.status(403).type('text').send('This was asked by a page of another site.')
}

function isHarmless(request: Request, site: unknown): boolean {
  if (site === undefined || site === 'same-origin' || site === 'none') return true
  return request.headers['sec-fetch-mode'] === 'navigate' && request.headers['sec-fetch-dest'] === 'document'
}

function isProven(request: Request): boolean {
  const { origin } = request.headers
  const site = request.headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin') return false
  if (origin !== undefined) return origin === `${request.protocol}://${request.host}`
  return site === 'same-origin'
}
