import type { Queue } from 'bullmq'
import { Router } from 'express'
import type { AuditEntry } from '../fleet/Fleet.ts'
import type { Logger } from '../observability/logger.ts'
import { sessionOf } from './auth/requireLogin.ts'
import { queueBoard } from './queueBoard.ts'

/** What may be done: nothing that adds, removes or changes a job. */
const deeds: readonly { readonly path: RegExp; readonly action: string }[] = [
  { path: /^\/api\/queues\/(pause)$/, action: 'pause all' },
  { path: /^\/api\/queues\/(resume)$/, action: 'resume all' },
  { path: /^\/api\/queues\/([\w-]{1,80})\/pause$/, action: 'pause' },
  { path: /^\/api\/queues\/([\w-]{1,80})\/resume$/, action: 'resume' },
  { path: /^\/api\/queues\/([\w-]{1,80})\/retry\/(?:failed|completed)$/, action: 'retry all' },
  { path: /^\/api\/queues\/([\w-]{1,80})\/[\w-]{1,128}\/retry$/, action: 'retry one' },
]

/**
 * bull-board for those that are logged in: pauses, resumes and retries, and writes each down, in the log and in the store, with who, when,
 * what and what became of it. Nothing is done that cannot be written down.
 */
export function manageQueues(parts: {
  readonly queues: readonly Queue[]
  readonly basePath: string
  readonly audit: (entry: AuditEntry) => Promise<void>
  readonly logger: Logger
}): Router {
  const { queues, audit, logger } = parts
  const names = new Set(queues.map(({ name }) => name))
  const router = Router()

  router.use(async (request, response, next) => {
    if (request.method === 'GET' || request.method === 'HEAD') {
      next()
      return
    }
    const found = deeds.map(({ path, action }) => ({ action, match: path.exec(request.path) }))
    const deed = request.method === 'PUT' ? found.find(({ match }) => match !== null) : undefined
    const all = deed?.action.endsWith(' all') && !deed.action.startsWith('retry')
    const queue = all ? 'all' : (deed?.match?.[1] ?? '')
    if (!deed || (!all && !names.has(queue))) {
      response.status(403).json({ error: 'Only pause, resume and retry can be done here.' })
      return
    }
    const entry: AuditEntry = {
      atMs: Date.now(),
      session: sessionOf(response)?.shortId ?? '',
      action: deed.action,
      queue,
      // Of what is asked for, before anything is done.
      result: 102,
    }
    await audit(entry)
    response.once('finish', () => {
      const done = { ...entry, atMs: Date.now(), result: response.statusCode }
      logger.info(done, 'a queue was changed by hand')
      audit(done).catch((error: unknown) =>
        logger.error({ err: error, ...done }, 'what was done to a queue by hand could not be kept'),
      )
    })
    next()
  })
  router.use(queueBoard(queues, parts.basePath, { readOnly: false }) as Router)
  return router
}
