import type { RequestHandler } from 'express'
import type { FleetStatus } from '../fleet/FleetStatus.ts'
import { findTroubles } from '../fleet/findTroubles.ts'
import { runbookOf, troubles } from '../fleet/troubles.ts'

/** What is wrong and how all is, for programs: `doctor` reads it. */
export function statusJson(status: () => Promise<FleetStatus>): RequestHandler {
  return async (_request, response) => {
    const now = await status()
    const found = findTroubles(now).map((trouble) => {
      const { severity, title, meaning, firstStep } = troubles[trouble.code]
      return { ...trouble, severity, title, meaning, firstStep, runbook: runbookOf(trouble.code) }
    })
    response.json({ ok: found.length === 0, troubles: found, status: now })
  }
}
