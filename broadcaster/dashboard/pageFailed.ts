import type { ErrorRequestHandler } from 'express'
import { describeError, type Logger } from '../observability/logger.ts'

/** A page that failed. Express would print what was thrown, and show its stack. */
export function pageFailed(logger: Logger): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    const asked = (error as { status?: unknown } | undefined)?.status
    const status = typeof asked === 'number' && asked >= 400 && asked < 500 ? asked : 500
    if (status === 500) logger.warn({ err: error }, 'a page of the dashboard failed')
    if (response.headersSent) response.destroy()
    else response.status(status).json({ error: describeError(error).name })
    // Four parameters make it a handler of errors, and this one is the last.
    void next
  }
}
