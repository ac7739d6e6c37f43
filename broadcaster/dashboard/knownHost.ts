import type { RequestHandler } from 'express'
import { type HttpReach, isExposed, isLoopbackHost } from './auth/exposure.ts'

const local = ['127.0.0.1', 'localhost', '[::1]']
const forwarded = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip']

/**
 * Refuses a Host that is not ours: a page elsewhere whose name was made to point here would otherwise read along. On this machine
 * only its own names are ours, elsewhere what `http.allowedHosts` names, or any while nobody gets in without a login.
 *
 * What was forwarded by somebody, though no proxy is configured, comes from elsewhere: without a login that is refused too.
 */
export function knownHost(reach: HttpReach): RequestHandler {
  const { allowedHosts = [] } = reach
  const exposed = isExposed(reach)
  const listenHost = reach.host.includes(':') ? `[${reach.host}]` : reach.host
  const known = new Set([...local, listenHost, ...allowedHosts].map((name) => name.toLowerCase()))
  const takesAny = !isLoopbackHost(reach.host) && allowedHosts.length === 0
  return (request, response, next) => {
    const name = (request.headers.host ?? '').replace(/:\d+$/, '').toLowerCase()
    if (!takesAny && !known.has(name)) {
      response
        .status(421)
        .json({ error: 'This host name is not served here: http.allowedHosts names those that are.' })
    } else if (!exposed && forwarded.some((header) => request.headers[header] !== undefined)) {
      response.status(421).json({ error: 'This came through a proxy: set http.trustProxy and http.auth.' })
    } else next()
  }
}
