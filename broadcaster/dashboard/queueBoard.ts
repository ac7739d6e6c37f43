import { createBullBoard } from '@bull-board/api'
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter'
import { ExpressAdapter } from '@bull-board/express'
import type { Queue } from 'bullmq'
import type { RequestHandler } from 'express'

/** bull-board, read-only unless told otherwise, without what the jobs hold and without the words of a store that fails. */
export function queueBoard(
  queues: readonly Queue[],
  basePath: string,
  { readOnly = true }: { readonly readOnly?: boolean } = {},
): RequestHandler {
  const server = new ExpressAdapter()
  server.setBasePath(basePath)
  const adapters = queues.map((queue) => {
    const adapter = new BullMQAdapter(queue, { readOnlyMode: readOnly })
    adapter.setFormatter('data', () => ({}))
    adapter.setFormatter('returnValue', () => ({}))
    return adapter
  })
  createBullBoard({
    queues: adapters,
    serverAdapter: server,
    options: { uiConfig: { boardTitle: 'Veilcast', miscLinks: [{ text: 'Overview', url: '/' }] } },
  })
  server.setErrorHandler(() => ({
    status: 500,
    body: { error: 'The queues cannot be shown at the moment.' },
  }))
  return server.getRouter() as RequestHandler
}
