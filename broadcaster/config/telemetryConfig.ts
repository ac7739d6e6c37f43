import { z } from 'zod'

/** Where spans go. Metrics need no configuration: they are at `/metrics`. */
export const telemetryConfig = z.strictObject({
  otlpUrl: z
    .url({ protocol: /^https?$/, error: 'an http or https URL' })
    .describe(
      'An OpenTelemetry collector that takes traces as OTLP over HTTP, such as `http://127.0.0.1:4318/v1/traces`. Needs four packages beside this one: the error names them.',
    ),
  otlpHeaders: z
    .record(z.string().max(64), z.string().max(4096))
    .optional()
    .describe('HTTP headers for the collector, such as its token.'),
})
