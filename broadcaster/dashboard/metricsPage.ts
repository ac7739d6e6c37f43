import type { RequestHandler } from 'express'
import type { Metrics } from '../observability/metrics.ts'

/** Prometheus text. */
export function metricsPage(metrics: Metrics): RequestHandler {
  return async (_request, response) => {
    response.type(metrics.registry.contentType).send(await metrics.text())
  }
}
