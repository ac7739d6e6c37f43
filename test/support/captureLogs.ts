import { pino } from 'pino'
import { describeError, type Logger } from '../../broadcaster/dist/observability/logger.js'

const maxLines = 100_000

/** The broadcaster's own logger, every level of it, into memory. */
export function captureLogs(): { readonly logger: Logger; lines(): readonly string[] } {
  const lines: string[] = []
  const stream = {
    write(line: string) {
      if (lines.length < maxLines) lines.push(line)
    },
  }
  const serializers = { err: describeError }
  return { logger: pino({ level: 'debug', base: null, serializers }, stream), lines: () => lines }
}
