import express, { type RequestHandler, Router } from 'express'
import { rateLimit } from 'express-rate-limit'
import type { Logger } from '../../observability/logger.ts'
import { loginPage } from '../pages/loginPage.ts'
import { isPassword, maxPasswordChars } from './passwordHash.ts'
import { clearSessionId, isPlainLoopback, readSessionId, writeSessionId } from './sessionCookie.ts'
import type { Sessions } from './sessions.ts'

const windowMs = 15 * 60_000
export const maxTriesPerAddress = 10
/** Of all addresses together: many machines guess no faster than a few. */
export const maxTriesPerWindow = 200
const maxBodyBytes = 8_192
/** Each takes 32 MiB and a thread for about a tenth of a second. */
const maxChecksAtOnce = 2

/** `GET` and `POST /login`, `POST /logout`. Whatever is wrong with a password, the answer and its time are the same. */
export function loginRoutes(parts: {
  readonly passwordHash: string
  readonly sessions: Sessions
  readonly logger: Logger
}): Router {
  const { passwordHash, sessions, logger } = parts
  const router = Router()
  let checking = 0

  router.get('/login', (request, response) => {
    if (isTooOpen(request.secure, isPlainLoopback(request))) {
      response.status(400).send(loginPage({ next: '/', problem: 'noTls' }))
      return
    }
    response.send(loginPage({ next: nextOf(request.query.next) }))
  })

  const tooMany: RequestHandler = (_request, response) => {
    response.status(429).send(loginPage({ next: '/', problem: 'tooMany' }))
  }
  const limit = { windowMs, standardHeaders: 'draft-8', legacyHeaders: false, validate: false } as const
  const limits = [
    rateLimit({ ...limit, limit: maxTriesPerWindow, keyGenerator: () => 'all', handler: tooMany }),
    rateLimit({ ...limit, limit: maxTriesPerAddress, skipSuccessfulRequests: true, handler: tooMany }),
  ]
  const form = express.urlencoded({ extended: false, limit: maxBodyBytes, parameterLimit: 4 })

  router.post('/login', limits, form, (async (request, response) => {
    const body = (request.body ?? {}) as Record<string, unknown>
    const next = nextOf(body.next)
    if (isTooOpen(request.secure, isPlainLoopback(request))) {
      response.status(400).send(loginPage({ next, problem: 'noTls' }))
      return
    }
    if (checking >= maxChecksAtOnce) {
      response.status(429).send(loginPage({ next, problem: 'tooMany' }))
      return
    }
    const given = typeof body.password === 'string' ? body.password : ''
    checking++
    const right = await isPassword(given.slice(0, maxPasswordChars + 1), passwordHash).finally(
      () => checking--,
    )
    if (!right) {
      logger.warn('a login to the dashboard failed')
      response.status(401).send(loginPage({ next, problem: 'wrong' }))
      return
    }
    const before = readSessionId(request)
    if (before !== undefined) sessions.end(before)
    writeSessionId(request, response, sessions.begin())
    logger.info('a login to the dashboard')
    response.redirect(303, next)
  }) satisfies RequestHandler)

  router.post('/logout', (request, response) => {
    const id = readSessionId(request)
    if (id !== undefined) sessions.end(id)
    clearSessionId(request, response)
    response.redirect(303, '/login')
  })
  return router
}

/** A password must not cross a network in clear; nor would a browser send the cookie back. */
function isTooOpen(secure: boolean, plainLoopback: boolean): boolean {
  return !secure && !plainLoopback
}

/** Back to one of our own pages, and nowhere else. */
function nextOf(value: unknown): string {
  return typeof value === 'string' && /^\/[A-Za-z0-9/_.?=&-]{0,200}$/.test(value) && !value.startsWith('//')
    ? value
    : '/'
}
