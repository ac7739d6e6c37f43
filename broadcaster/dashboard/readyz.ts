import type { RequestHandler } from 'express'
import type { Readiness } from './readiness.ts'

/** 200 where the store answers, its workers run, the mixnet carries and every chain has a live endpoint; else 503 with what is missing. */
export function readyz(readiness: () => Promise<Readiness>): RequestHandler {
  return async (_request, response) => {
    const state = await readiness()
    response.status(state.ready ? 200 : 503).json(state)
  }
}
