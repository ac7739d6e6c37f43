import { createHash, randomBytes } from 'node:crypto'

export interface Session {
  /** Eight characters for the audit; the id cannot be told from them. */
  readonly shortId: string
  readonly startedAtMs: number
}

/** Who is logged in at this process, in its memory alone: a restart logs everybody out. */
export interface Sessions {
  /** The oldest goes where there are too many. */
  begin(): string
  /** The session of this id, which is in use now. Undefined where there is none any more. */
  use(id: string): Session | undefined
  end(id: string): void
}

export const idleLimitMs = 30 * 60_000
export const absoluteLimitMs = 12 * 3_600_000
export const maxSessions = 64

export function createSessions(now: () => number = Date.now): Sessions {
  /** By hash of the id, so that looking one up says nothing of the others. */
  const sessions = new Map<string, Session & { usedAtMs: number }>()

  function isOver({ startedAtMs, usedAtMs }: { startedAtMs: number; usedAtMs: number }): boolean {
    return now() - startedAtMs > absoluteLimitMs || now() - usedAtMs > idleLimitMs
  }

  return {
    begin() {
      for (const [key, session] of sessions) if (isOver(session)) sessions.delete(key)
      const [oldest] = sessions.keys()
      if (sessions.size >= maxSessions && oldest !== undefined) sessions.delete(oldest)
      const id = randomBytes(32).toString('base64url')
      const nowMs = now()
      const shortId = createHash('sha256').update(`short ${id}`).digest('hex').slice(0, 8)
      sessions.set(keyOf(id), { shortId, startedAtMs: nowMs, usedAtMs: nowMs })
      return id
    },
    use(id) {
      const key = keyOf(id)
      const session = sessions.get(key)
      if (!session) return undefined
      if (isOver(session)) {
        sessions.delete(key)
        return undefined
      }
      session.usedAtMs = now()
      return session
    },
    end(id) {
      sessions.delete(keyOf(id))
    },
  }
}

function keyOf(id: string): string {
  return createHash('sha256').update(id).digest('base64')
}
