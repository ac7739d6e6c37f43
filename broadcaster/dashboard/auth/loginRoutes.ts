import express, { type Request, type RequestHandler, type Response, Router } from 'express'
import { ipKeyGenerator, rateLimit } from 'express-rate-limit'
import type { Logger } from '../../observability/logger.ts'
import { loginPage } from '../pages/loginPage.ts'
import { isPassword, maxPasswordChars } from './passwordHash.ts'
import { clearSessionId, isPlainLoopback, readSessionId, writeSessionId } from './sessionCookie.ts'
import type { Sessions } from './sessions.ts'

const windowMs = 15 * 60_000
/** Wrong ones, as all that follow. */
export const maxTriesPerAddress = 10
/** Of all addresses together that have failed before: who has not is let try, however many others fail. */
export const maxFurtherTries = 50
const maxBodyBytes = 8_192
/** Each takes 32 MiB and a thread for about a tenth of a second. This machine has a place of its own, which nobody elsewhere can take. */
const maxChecksAtOnce = { here: 1, elsewhere: 1 }

/** `GET` and `POST /login`, `POST /logout`. Whatever is wrong with a password, the answer and its time are the same. */
export function loginRoutes(parts: {
  readonly passwordHash: string
  readonly sessions: Sessions
  readonly logger: Logger
}): Router {
  const { passwordHash, sessions, logger } = parts
  const router = Router()
  const checking = { here: 0, elsewhere: 0 }

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
  const limit = {
    windowMs,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    validate: false,
    skipSuccessfulRequests: true,
    requestWasSuccessful: (_request, { statusCode }) => statusCode !== 401,
    handler: tooMany,
  } satisfies Parameters<typeof rateLimit>[0]
  const byAddress = rateLimit({ ...limit, limit: maxTriesPerAddress, keyGenerator: addressOf })
  const furtherTries = rateLimit({
    ...limit,
    limit: maxFurtherTries,
    keyGenerator: () => 'all',
    skip: async (request) => isPlainLoopback(request) || !(await hasFailed(request)),
  })
  async function hasFailed(request: Request): Promise<boolean> {
    const known = await byAddress.getKey(addressOf(request))
    return known !== undefined && known.totalHits > 0 && Number(known.resetTime) > Date.now()
  }
  const form = express.urlencoded({ extended: false, limit: maxBodyBytes, parameterLimit: 4 })

  function isFull(request: Request): boolean {
    const side = sideOf(request)
    return checking[side] >= maxChecksAtOnce[side]
  }
  function tellBusy(response: Response, next: string): void {
    response.status(429).send(loginPage({ next, problem: 'busy' }))
  }
  /** Before the limits, so that they hold no more addresses than passwords are checked; after the form, which may come slowly. */
  const findPlace: RequestHandler = (request, response, next) => {
    const { body } = request as { body?: Record<string, unknown> }
    if (isTooOpen(request.secure, isPlainLoopback(request))) {
      response.status(400).send(loginPage({ next: nextOf(body?.next), problem: 'noTls' }))
      return
    }
    if (isFull(request)) tellBusy(response, nextOf(body?.next))
    else next()
  }

  router.post('/login', form, findPlace, furtherTries, byAddress, (async (request, response) => {
    const body = (request.body ?? {}) as Record<string, unknown>
    const next = nextOf(body.next)
    // Two may have come at the same moment.
    if (isFull(request)) {
      tellBusy(response, next)
      return
    }
    const side = sideOf(request)
    const given = typeof body.password === 'string' ? body.password : ''
    checking[side]++
    // Also where whoever asked has gone: the work is not over.
    const right = await isPassword(given.slice(0, maxPasswordChars + 1), passwordHash).finally(
      () => checking[side]--,
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

function sideOf(request: Request): 'here' | 'elsewhere' {
  return isPlainLoopback(request) ? 'here' : 'elsewhere'
}

/** An IPv6 network counts as one address. What a proxy passes on is never this machine's own. */
function addressOf(request: Request): string {
  return isPlainLoopback(request) ? 'here' : ipKeyGenerator(request.ip ?? '')
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
