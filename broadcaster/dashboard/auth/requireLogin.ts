import type { Request, RequestHandler, Response } from 'express'
import { readSessionId } from './sessionCookie.ts'
import type { Session, Sessions } from './sessions.ts'

/** The session of a request that came through `requireLogin`. */
export function sessionOf(response: Response): Session | undefined {
  return (response.locals as { session?: Session }).session
}

/** Notes who asks, and lets everybody on. */
export function noteSession(sessions: Sessions): RequestHandler {
  return (request, response, next) => {
    const id = readSessionId(request)
    const session = id === undefined ? undefined : sessions.use(id)
    if (session) response.locals.session = session
    next()
  }
}

/** Lets only those on that are logged in. A browser is shown where to log in; a program is told 401. */
export function requireLogin(): RequestHandler {
  return (request, response, next) => {
    if (sessionOf(response)) next()
    else if (isPage(request)) response.redirect(303, `/login?next=${encodeURIComponent(request.originalUrl)}`)
    else response.status(401).json({ error: 'Log in first.' })
  }
}

function isPage(request: Request): boolean {
  return (
    (request.method === 'GET' || request.method === 'HEAD') && request.accepts(['json', 'html']) === 'html'
  )
}
