import type { Request, Response } from 'express'
import { absoluteLimitMs } from './sessions.ts'

const plainName = 'veilcast-session'
/** Browsers take this name only of a page that came over https, for this very host. */
const secureName = '__Host-veilcast-session'

export function readSessionId(request: Request): string | undefined {
  const wanted = isPlainLoopback(request) ? plainName : secureName
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const at = pair.indexOf('=')
    if (at > 0 && pair.slice(0, at).trim() === wanted) {
      const value = pair.slice(at + 1).trim()
      return /^[A-Za-z0-9_-]{43}$/.test(value) ? value : undefined
    }
  }
  return undefined
}

export function writeSessionId(request: Request, response: Response, id: string): void {
  const secure = !isPlainLoopback(request)
  response.cookie(secure ? secureName : plainName, id, { ...flags(secure), maxAge: absoluteLimitMs })
}

export function clearSessionId(request: Request, response: Response): void {
  const secure = !isPlainLoopback(request)
  response.clearCookie(secure ? secureName : plainName, flags(secure))
}

function flags(secure: boolean) {
  return { httpOnly: true, sameSite: 'strict', secure, path: '/' } as const
}

/** Plain http that never left this machine: the one case in which a cookie need not be kept to https. */
export function isPlainLoopback(request: Request): boolean {
  const { headers, secure, ip, socket } = request
  const isForwarded = headers.forwarded !== undefined || headers['x-forwarded-for'] !== undefined
  return !secure && !isForwarded && isLoopbackAddress(ip) && isLoopbackAddress(socket.remoteAddress)
}

export function isLoopbackAddress(address: string | undefined): boolean {
  const plain = address?.replace(/^::ffff:/, '')
  return plain === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(plain ?? '')
}
