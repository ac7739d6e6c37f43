import { Client, type ClientConfig } from 'pg'
import { failure } from '../postgres/failure.ts'

/** Spells `VEIO`: whoever holds this lock in a session owns the server and its data folder. */
const ownerLock = 0x5645494f
const connectTimeoutMs = 15_000
/** Not up yet, not up any more, or no socket at all. */
const passing = new Set(['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', '57P01', '57P02', '57P03'])

/**
 * Claims the server for as long as the client lives: the lock goes with its session, so that nothing stays behind of an
 * owner that was killed. `owned` where another has it, `absent` where nobody answers.
 */
export async function claimServer(config: ClientConfig): Promise<Client | 'owned' | 'absent'> {
  const client = new Client({ ...config, connectionTimeoutMillis: connectTimeoutMs, keepAlive: true })
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query<{ ours: boolean }>('select pg_try_advisory_lock($1) as ours', [
      ownerLock,
    ])
    if (rows[0]?.ours === true) return client
    await client.end()
    return 'owned'
  } catch (error) {
    await client.end().catch(() => {})
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (passing.has(code) || /terminated/i.test(String(error))) return 'absent'
    throw failure('be reached', error)
  }
}
