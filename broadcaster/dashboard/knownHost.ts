import type { RequestHandler } from 'express'

const local = new Set(['127.0.0.1', 'localhost', '[::1]'])

/**
 * Refuses a Host that is not ours while we listen on this machine only: a page elsewhere whose name was made to point here
 * would otherwise read along.
 */
export function knownHost(listenHost: string): RequestHandler {
  const loopback = listenHost === 'localhost' || listenHost === '::1' || listenHost.startsWith('127.')
  return (request, response, next) => {
    const name = (request.headers.host ?? '').replace(/:\d+$/, '')
    if (!loopback || local.has(name) || name === listenHost) next()
    else response.status(421).json({ error: 'This host name is not served here.' })
  }
}
