import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Queue } from 'bullmq'
import express, { type Express, type Request, type RequestHandler, type Response } from 'express'
import type { Fleet } from '../fleet/Fleet.ts'
import type { FleetStatus } from '../fleet/FleetStatus.ts'
import { findTroubles } from '../fleet/findTroubles.ts'
import { mergeSamples, spans } from '../fleet/Sample.ts'
import type { Logger } from '../observability/logger.ts'
import type { Metrics } from '../observability/metrics.ts'
import { assets } from './assets.ts'
import { type HttpReach, isExposed } from './auth/exposure.ts'
import { loginRoutes } from './auth/loginRoutes.ts'
import { noteSession, requireLogin, sessionOf } from './auth/requireLogin.ts'
import { sameOrigin } from './auth/sameOrigin.ts'
import { isPlainLoopback, readSessionId } from './auth/sessionCookie.ts'
import { createSessions } from './auth/sessions.ts'
import { bearerOf, isSameToken } from './bearer.ts'
import { boardPages, ownPages } from './contentSecurity.ts'
import { isDoctorToken } from './doctorToken.ts'
import { healthz } from './healthz.ts'
import { historyJson } from './historyJson.ts'
import { knownHost } from './knownHost.ts'
import { createLiveEvents, type LiveEvents } from './liveEvents.ts'
import { manageQueues } from './manageQueues.ts'
import { metricsPage } from './metricsPage.ts'
import { pageFailed } from './pageFailed.ts'
import { auditPage, auditShown } from './pages/auditPage.ts'
import { errorPage, isErrorName } from './pages/errorPage.ts'
import type { Viewer } from './pages/layout.ts'
import { messagePage } from './pages/messagePage.ts'
import { type OverviewFacts, overviewPage, overviewSections } from './pages/overview.ts'
import { isTroubleCode, troublePage } from './pages/troublePage.ts'
import { plainRequest } from './plainRequest.ts'
import { queueBoard } from './queueBoard.ts'
import type { Readiness } from './readiness.ts'
import { readyz } from './readyz.ts'
import { statusJson } from './statusJson.ts'

/** It cannot be opened; the text names the port. */
export class DashboardError extends Error {
  override readonly name = 'DashboardError'
}

export interface HttpSettings extends HttpReach {
  readonly port: number
  /** Who knows the password that this is the hash of gets in. Needed where others than this machine can come. */
  readonly auth?: { readonly passwordHash: string } | undefined
  /** Whoever reads `/metrics` from elsewhere says it as a bearer token. Default: nobody does. */
  readonly metricsToken?: string | undefined
}

export interface Dashboard {
  readonly url: string
  close(): Promise<void>
}

export interface DashboardParts extends HttpSettings {
  readonly metrics: Metrics
  readonly queues: readonly Queue[]
  readonly readiness: () => Promise<Readiness>
  readonly status: () => Promise<FleetStatus>
  readonly fleet: Fleet
  /** Of `doctor`, derived from the key file. Default: nobody reads `/status.json` from elsewhere without a login. */
  readonly doctorKey?: Uint8Array | undefined
  readonly logger: Logger
}

const maxConnections = 256
const maxHeaderBytes = 16_384
const hourFreshMs = 10_000

/**
 * For the operator's eyes: how the whole fleet is, the queues, health and metrics. On this machine alone unless told otherwise, and behind
 * a login wherever others can come.
 * @throws DashboardError
 */
export async function openDashboard(parts: DashboardParts): Promise<Dashboard> {
  const { host, port } = parts
  if (isExposed(parts) && !parts.auth) {
    throw new DashboardError(
      `The dashboard can be reached from elsewhere on ${host}: set http.auth.passwordHash, or http.host to 127.0.0.1.`,
    )
  }
  const { app, live } = dashboardApp(parts)
  const server = createServer(
    { requestTimeout: 30_000, headersTimeout: 10_000, maxHeaderSize: maxHeaderBytes },
    app,
  )
  server.maxConnections = maxConnections
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new DashboardError(
          `The dashboard cannot listen on ${host}:${port} (${error.code}). Set another http.port.`,
        ),
      ),
    )
    server.listen(port, host, resolve)
  })
  const shown = host.includes(':') ? `[${host}]` : host
  return {
    url: `http://${shown}:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        live.close()
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Which page stands behind which guard, in the order in which a request meets them. */
function dashboardApp(parts: DashboardParts): { readonly app: Express; readonly live: LiveEvents } {
  const { auth, queues, fleet, logger, readiness, status, doctorKey, metricsToken } = parts
  const exposed = isExposed(parts)
  const sessions = createSessions()
  const viewerOf = (response: Response): Viewer => ({
    loggedIn: sessionOf(response) !== undefined,
    canLogIn: auth !== undefined,
  })
  const facts = overviewFacts(status, fleet)
  const live = createLiveEvents({
    sections: async () => {
      const { now, ...found } = await facts()
      return { atMs: now, sections: overviewSections(found) }
    },
    mayLook: (request) => {
      const id = readSessionId(request)
      return !exposed || (id !== undefined && sessions.use(id) !== undefined)
    },
  })
  const needsLogin: RequestHandler = exposed ? requireLogin() : (_request, _response, next) => next()
  const hasToken =
    (isToken: (token: string) => boolean, otherwise: RequestHandler): RequestHandler =>
    (request, response, next) => {
      const token = bearerOf(request)
      if (!exposed || (token !== undefined && isToken(token))) next()
      else otherwise(request, response, next)
    }

  const app = express()
  app.disable('x-powered-by')
  app.set('trust proxy', parts.trustProxy?.length ? [...parts.trustProxy] : false)
  app.set('query parser', 'simple')
  app.use(plainRequest, ownPages, noStore)
  app.get('/healthz', healthz)
  app.get('/readyz', readyz(readiness))
  app.use(knownHost(parts), sameOrigin)
  app.get('/assets/:name', assets())
  app.use(noteSession(sessions))
  app.get(
    '/metrics',
    hasToken(
      (token) => metricsToken !== undefined && isSameToken(token, metricsToken),
      (request, response, next) => {
        // From this machine itself, and through no proxy.
        if (isPlainLoopback(request)) next()
        else response.status(401).json({ error: 'http.metricsToken says what to bring as a bearer token.' })
      },
    ),
    metricsPage(parts.metrics),
  )
  app.get(
    '/status.json',
    hasToken((token) => doctorKey !== undefined && isDoctorToken(token, doctorKey), requireLogin()),
    statusJson(status),
  )
  if (auth) app.use(loginRoutes({ passwordHash: auth.passwordHash, sessions, logger }))

  app.use(needsLogin)
  app.get('/', async (_request, response) => {
    response.send(overviewPage(await facts(), viewerOf(response)))
  })
  app.get('/events', live.handler)
  app.get(
    '/history.json',
    historyJson((span, sinceMs) => fleet.samples(span, sinceMs)),
  )
  app.get('/audit', async (_request, response) => {
    response.send(auditPage(await fleet.audits(auditShown), viewerOf(response)))
  })
  app.get('/troubles/:code', (request, response, next) => {
    const { code } = request.params
    if (isTroubleCode(code)) response.send(troublePage(code, viewerOf(response)))
    else next()
  })
  app.get('/errors/:name', (request, response, next) => {
    const { name } = request.params
    if (isErrorName(name)) response.send(errorPage(name, viewerOf(response)))
    else next()
  })
  const manage = '/queues/manage'
  if (auth) {
    const audit = fleet.audit.bind(fleet)
    app.use(manage, requireLogin(), boardPages, manageQueues({ queues, basePath: manage, audit, logger }))
  } else {
    app.use(manage, (_request, response) => {
      response.status(403).send(messagePage('No password is set', noPassword, viewerOf(response)))
    })
  }
  app.use('/queues', boardPages, queueBoard(queues, '/queues'))
  app.use((request, response) => {
    const isPage = request.accepts(['json', 'html']) === 'html'
    response.status(404)
    if (isPage) response.send(messagePage('No such page', 'Nothing is served here.', viewerOf(response)))
    else response.json({ error: 'Nothing is served here.' })
  })
  app.use(pageFailed(logger))
  return { app, live }
}

const noPassword =
  'Queues can be paused, resumed and retried by those that are logged in. Run veilcast-broadcaster hash-password, put what it prints at http.auth.passwordHash, and start the broadcaster anew.'

const noStore = (_request: Request, response: Response, next: () => void): void => {
  response.set('cache-control', 'no-store')
  next()
}

function overviewFacts(
  status: () => Promise<FleetStatus>,
  fleet: Fleet,
): () => Promise<OverviewFacts & { readonly now: number }> {
  let hour: { readonly atMs: number; readonly sample: Promise<OverviewFacts['hour']> } | undefined
  const lastHour = (nowMs: number): Promise<OverviewFacts['hour']> => {
    if (!hour || nowMs - hour.atMs > hourFreshMs) {
      const sample = fleet
        .samples('hour', nowMs - spans.hour.keptMs)
        .then((samples) => mergeSamples(samples) ?? null)
        .catch(() => null)
      hour = { atMs: nowMs, sample }
    }
    return hour.sample
  }
  return async () => {
    const found = await status()
    // A store that is away is not asked for more.
    const sample = found.store.answers ? await lastHour(found.atMs) : null
    return { now: found.atMs, status: found, troubles: findTroubles(found), hour: sample }
  }
}
