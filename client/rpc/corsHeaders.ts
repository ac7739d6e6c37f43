import type { IncomingMessage } from 'node:http'

/** What lets a page of an allowed origin read the answer. Nobody else gets any of it. */
export function corsHeaders(origin: string | undefined, request: IncomingMessage): Record<string, string> {
  if (origin === undefined) return { vary: 'origin' }
  const headers: Record<string, string> = { 'access-control-allow-origin': origin, vary: 'origin' }
  if (request.method !== 'OPTIONS') return headers
  headers['access-control-allow-methods'] = 'GET, POST, OPTIONS'
  headers['access-control-allow-headers'] = '*, authorization'
  headers['access-control-max-age'] = '600'
  if (request.headers['access-control-request-private-network'] === 'true')
    headers['access-control-allow-private-network'] = 'true'
  return headers
}
