import { createHash } from 'node:crypto'
import { ConfigError } from '../config/config.ts'
import { shortId } from './logger.ts'
import type { Trace } from './Trace.ts'

/** Spans that wait to be sent; beyond, new ones are dropped. */
const maxWaitingSpans = 2048
const sendLimitMs = 5_000

/**
 * Sends spans to an OpenTelemetry collector, OTLP over HTTP. Its packages are optional, and loaded only here.
 * @throws ConfigError where they are not installed
 */
export async function openTrace(options: {
  /** Such as `http://127.0.0.1:4318/v1/traces`. */
  readonly url: string
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly version: string
  readonly role: string
}): Promise<Trace> {
  const [
    api,
    { BasicTracerProvider, BatchSpanProcessor },
    { OTLPTraceExporter },
    { resourceFromAttributes },
  ] = await loadOpenTelemetry()
  const exporter = new OTLPTraceExporter({
    url: options.url,
    headers: { ...options.headers },
    timeoutMillis: sendLimitMs,
  })
  const provider = new BasicTracerProvider({
    // Written out, since what is found by itself names the machine and the command line.
    resource: resourceFromAttributes({
      'service.name': 'veilcast-broadcaster',
      'service.version': options.version,
      'veilcast.role': options.role,
    }),
    spanProcessors: [
      new BatchSpanProcessor(exporter, {
        maxQueueSize: maxWaitingSpans,
        exportTimeoutMillis: sendLimitMs,
      }),
    ],
  })
  const tracer = provider.getTracer('veilcast')

  return {
    span({ name, startMs, endMs = Date.now(), of, attributes }) {
      const tx = of === undefined ? undefined : shortId(of)
      const parent =
        tx === undefined ? api.ROOT_CONTEXT : api.trace.setSpanContext(api.ROOT_CONTEXT, parentOf(tx))
      tracer
        .startSpan(name, { startTime: startMs, attributes: { ...attributes, ...(tx && { tx }) } }, parent)
        .end(Math.max(startMs, endMs))
    },
    stop: () => provider.shutdown().catch(() => {}),
  }
}

/** Ids that mean no more than the short id does: they tie the spans of one transaction together within this process. */
function parentOf(tx: string) {
  const digest = createHash('sha256').update(`veilcast trace ${tx}`).digest('hex')
  return { traceId: digest.slice(0, 32), spanId: digest.slice(32, 48), traceFlags: 1, isRemote: true }
}

async function loadOpenTelemetry() {
  try {
    return await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/sdk-trace-base'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
    ])
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new ConfigError(
      'telemetry.otlpUrl needs packages that are not installed: npm install @opentelemetry/api @opentelemetry/sdk-trace-base @opentelemetry/exporter-trace-otlp-http @opentelemetry/resources',
    )
  }
}
