import { readFileSync } from 'node:fs'

/** Chromium's own record of what its network stack did: below the page, its workers, fetch and websockets. */
export const netLogArguments = (file: string): string[] => [
  `--log-net-log=${file}`,
  '--net-log-capture-mode=Everything',
]

interface NetLog {
  readonly constants: { readonly logEventTypes: Readonly<Record<string, number>> }
  readonly events: readonly { readonly type: number; readonly params?: Readonly<Record<string, unknown>> }[]
}

/**
 * The hosts (`host:port`) that pages of `site` (`http://127.0.0.1`), their workers and websockets asked, each once. What the
 * browser asks on its own account, for updates or to fill in forms, has no page for its initiator. Read it after the browser has
 * closed.
 */
export function contactsOfSite(file: string, site: string): string[] {
  const log = parse(readFileSync(file, 'utf8'))
  const request = log.constants.logEventTypes.URL_REQUEST_START_JOB
  if (request === undefined) throw new Error('This Chromium names its events in another way.')
  const hosts = new Set<string>()
  for (const { type, params } of log.events) {
    if (type !== request || typeof params?.url !== 'string') continue
    const isOfPage = String(params.initiator).startsWith(site) || params.request_type === 'main frame'
    if (isOfPage && !params.url.startsWith('blob:')) hosts.add(new URL(params.url).host)
  }
  return [...hosts]
}

/** A browser that was killed leaves the list of events open. */
function parse(text: string): NetLog {
  try {
    return JSON.parse(text)
  } catch {
    return JSON.parse(`${text.replace(/,?\s*$/, '')}]}`)
  }
}
