import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { RequestHandler } from 'express'
import { type Sample, type Span, spans } from '../fleet/Sample.ts'
import { chartSample } from './chartSamples.ts'

const squeeze = promisify(gzip)

/** `?span=hour|day&after=<milliseconds>`: what the charts draw of each sample that ended later. */
export function historyJson(
  samples: (span: Span, sinceMs: number) => Promise<readonly Sample[]>,
): RequestHandler {
  return async (request, response) => {
    const span = request.query.span === 'day' ? 'day' : 'hour'
    const after = Number(request.query.after ?? 0)
    const oldestMs = Date.now() - spans[span].keptMs
    const sinceMs = Number.isSafeInteger(after) ? Math.max(after + 1, oldestMs) : oldestMs
    const body = JSON.stringify({
      spanMs: spans[span].keptMs,
      everyMs: spans[span].everyMs,
      samples: (await samples(span, sinceMs)).map(chartSample),
    })
    response.type('json').set('vary', 'accept-encoding')
    if (request.acceptsEncodings('gzip') !== 'gzip') response.send(body)
    else response.set('content-encoding', 'gzip').send(await squeeze(body))
  }
}
