import type { RequestHandler } from 'express'

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT'])
const maxUrlChars = 2_048

/**
 * Refuses every way of writing a path that two programs could read differently, so that what a guard saw is what a route gets: dots,
 * double and encoded slashes, backslashes, controls, whole URLs.
 */
export const plainRequest: RequestHandler = (request, response, next) => {
  const { method, url } = request
  if (!methods.has(method)) {
    response
      .status(405)
      .set('allow', [...methods].join(', '))
      .json({ error: 'This method is not served here.' })
    return
  }
  const path = url.split('?', 1)[0] ?? ''
  const isPlain =
    url.length <= maxUrlChars &&
    /^\/[A-Za-z0-9\-._~!$&'()*+,;=:@%/]*$/.test(path) &&
    !path.includes('//') &&
    !/%(2f|5c|2e|00|25)/i.test(path) &&
    !path.split('/').some((part) => part === '.' || part === '..')
  if (isPlain) next()
  else response.status(400).json({ error: 'This path is not served here.' })
}
