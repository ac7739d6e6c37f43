import type { RequestHandler } from 'express'
import type { Metrics } from '../observability/metrics.ts'
import type { Readiness } from './readiness.ts'

/** Prometheus text. */
export function metricsPage(metrics: Metrics, readiness: () => Promise<Readiness>): RequestHandler {
  return async (_request, response) => {
    await readiness()
    response.type(metrics.registry.contentType).send(await metrics.registry.metrics())
  }
}
