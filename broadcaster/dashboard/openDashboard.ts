import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Queue } from 'bullmq'
import express from 'express'
import helmet from 'helmet'
import type { Logger } from '../observability/logger.ts'
import type { Metrics } from '../observability/metrics.ts'
import { healthz } from './healthz.ts'
import { knownHost } from './knownHost.ts'
import { metricsPage } from './metricsPage.ts'
import { pageFailed } from './pageFailed.ts'
import { queueBoard } from './queueBoard.ts'
import type { Readiness } from './readiness.ts'
import { readyz } from './readyz.ts'

/** It cannot be opened; the text names the port. */
export class DashboardError extends Error {
  override readonly name = 'DashboardError'
}

export interface Dashboard {
  readonly url: string
  close(): Promise<void>
}

/** For the operator's eyes: health, metrics and the queues, read-only, on this machine only unless told otherwise. */
export async function openDashboard(parts: {
  readonly host: string
  readonly port: number
  readonly metrics: Metrics
  readonly queues: readonly Queue[]
  readonly readiness: () => Promise<Readiness>
  readonly logger: Logger
}): Promise<Dashboard> {
  const app = express()
  app.disable('x-powered-by')
  app.use(knownHost(parts.host))
  // bull-board's page styles itself inline.
  app.use(
    helmet({
      contentSecurityPolicy: {
        directives: { 'style-src': ["'self'", "'unsafe-inline'"], 'upgrade-insecure-requests': null },
      },
    }),
  )
  app.get('/healthz', healthz)
  app.get('/readyz', readyz(parts.readiness))
  app.get('/metrics', metricsPage(parts.metrics))
  app.use('/queues', queueBoard(parts.queues, '/queues'))
  app.get('/', (_request, response) => response.redirect('/queues'))
  app.use(pageFailed(parts.logger))

  const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000 }, app)
  server.maxConnections = 256
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new DashboardError(
          `The dashboard cannot listen on ${parts.host}:${parts.port} (${error.code}). Set another http.port.`,
        ),
      ),
    )
    server.listen(parts.port, parts.host, resolve)
  })
  const { port } = server.address() as AddressInfo
  const host = parts.host.includes(':') ? `[${parts.host}]` : parts.host
  return {
    url: `http://${host}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
