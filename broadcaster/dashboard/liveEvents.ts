import type { Request, RequestHandler, Response } from 'express'

/** A page that is open: what it was sent last, and how to know that it may still look. */
interface Open {
  readonly response: Response
  readonly request: Request
  readonly sent: Map<string, string>
  readonly sinceMs: number
}

export const maxOpenPages = 32
const everyMs = 5_000
/** A connection ends after this long, and the page opens the next one. */
const maxOpenMs = 3_600_000

export interface LiveEvents {
  readonly handler: RequestHandler
  close(): void
}

/**
 * Server-Sent Events for the overview: every 5 s each open page is sent those of its sections that changed. They are rendered once for all
 * pages, and only while one is open. A page that does not take what it is sent is closed.
 *
 * @param mayLook asked before each sending: a session may be over meanwhile
 */
export function createLiveEvents(parts: {
  readonly sections: () => Promise<{
    readonly atMs: number
    readonly sections: Readonly<Record<string, string>>
  }>
  readonly mayLook: (request: Request) => boolean
}): LiveEvents {
  const open = new Set<Open>()
  let timer: NodeJS.Timeout | undefined
  let busy = false

  async function sendAll(): Promise<void> {
    if (busy) return
    busy = true
    try {
      const { atMs, sections } = await parts.sections()
      for (const page of open) send(page, atMs, sections)
    } catch {
      // The page shows by itself that nothing comes.
    } finally {
      busy = false
    }
  }

  function send(page: Open, atMs: number, sections: Readonly<Record<string, string>>): void {
    const { response, sent } = page
    if (!parts.mayLook(page.request)) {
      response.write('event: over\ndata: {}\n\n')
      end(page)
      return
    }
    if (response.writableNeedDrain || Date.now() - page.sinceMs > maxOpenMs) {
      end(page)
      return
    }
    const changed: Record<string, string> = {}
    for (const [id, text] of Object.entries(sections)) {
      if (sent.get(id) === text) continue
      sent.set(id, text)
      changed[id] = text
    }
    response.write(`event: status\ndata: ${JSON.stringify({ atMs, sections: changed })}\n\n`)
  }

  function end(page: Open): void {
    open.delete(page)
    page.response.end()
    if (open.size === 0) {
      clearInterval(timer)
      timer = undefined
    }
  }

  return {
    handler(request, response) {
      if (open.size >= maxOpenPages) {
        response
          .status(503)
          .set('retry-after', '30')
          .json({ error: `${maxOpenPages} pages are open already.` })
        return
      }
      response.set({
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      })
      response.flushHeaders()
      const page: Open = { response, request, sent: new Map(), sinceMs: Date.now() }
      open.add(page)
      response.on('close', () => end(page))
      response.on('error', () => end(page))
      timer ??= setInterval(() => void sendAll(), everyMs)
      void sendAll()
    },
    close() {
      for (const page of open) end(page)
    },
  }
}
