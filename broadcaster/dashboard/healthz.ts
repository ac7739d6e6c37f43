import type { RequestHandler } from 'express'

/** The process answers. Whether it can do its work is /readyz's to say. */
export const healthz: RequestHandler = (_request, response) => {
  response.json({ ok: true })
}
