import type { IncomingMessage } from 'node:http'
import { VeilcastError } from '@veilcast/shared/errors'
import { maxOrigins } from './limits.ts'
import { tokenCheck } from './token.ts'

export interface DoorOptions {
  /** Origins of pages that may ask, as in `https://app.example`; browser extensions' too: `chrome-extension://<id>`. */
  readonly allowOrigins?: readonly string[] | undefined
  /** Lets every extension of this browser ask. Default false. */
  readonly allowExtensions?: boolean | undefined
  /** Who asks shows it: `Authorization: Bearer <token>`, or a path that begins with `/t/<token>`. Default: nobody needs to. */
  readonly token?: string | undefined
}

export interface Admitted {
  readonly admitted: true
  /** Without the token, beginning with a slash. */
  readonly path: string
  /** Without its question mark. */
  readonly query: string
  /** What the path began with, as in `/t/<token>`, or nothing. */
  readonly prefix: string
  /** An allowed one. */
  readonly origin: string | undefined
}
export interface Refused {
  readonly admitted: false
  readonly status: 400 | 401 | 403
  readonly message: string
}
export type Door = (request: IncomingMessage, port: number) => Admitted | Refused

const localNames = ['localhost', '127.0.0.1', '[::1]']
const extension = /^(chrome|moz|safari-web)-extension:\/\/[A-Za-z0-9-]{1,64}$/

/**
 * Who may ask. A page elsewhere can make a browser on this machine talk to us, under its own name (Origin), under a name of
 * its own that points here (Host: DNS rebinding), or silently, by an image or a link (Sec-Fetch-Site).
 * @throws VeilcastError `invalidArgument`
 */
export function openDoor({ allowOrigins = [], allowExtensions = false, token }: DoorOptions): Door {
  if (allowOrigins.length > maxOrigins) throw invalid(`At most ${maxOrigins} origins are allowed.`)
  const origins = new Set(allowOrigins.map(toOrigin))
  const isToken = token === undefined ? undefined : tokenCheck(token)

  return (request, port) => {
    const { host, origin, authorization } = request.headers
    const names = localNames.map((name) => (port === 80 ? name : `${name}:${port}`))
    if (!host || !names.includes(host.toLowerCase()))
      return refuse(403, `This endpoint is for this machine only, under the name ${names.join(' or ')}.`)

    const target = request.url ?? ''
    if (!target.startsWith('/')) return refuse(400, 'The request names no path.')
    const mark = target.indexOf('?')
    const whole = mark < 0 ? target : target.slice(0, mark)
    const query = mark < 0 ? '' : target.slice(mark + 1)

    const [, shownByPath, rest] = (isToken && /^\/t\/([^/]*)(.*)$/.exec(whole)) || []
    const shown = shownByPath ?? /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
    const hasToken = isToken !== undefined && shown !== undefined && isToken(shown)

    const ours = origin !== undefined && origin === `http://${host.toLowerCase()}`
    const allowed =
      origin !== undefined &&
      (ours ||
        origins.has(origin) ||
        (extension.test(origin) && allowExtensions) ||
        // Firefox hides an extension's origin so; a page in a sandbox looks the same, but it knows no token.
        (origin === 'null' && allowExtensions && hasToken))
    if (origin !== undefined && !allowed) {
      return refuse(
        403,
        extension.test(origin) || origin === 'null'
          ? 'This extension or page is not on the list: --allow-extensions, or --allow-origin with its origin.'
          : 'This page is not on the list: --allow-origin with its origin.',
      )
    }
    const site = request.headers['sec-fetch-site']
    const isVisit = request.headers['sec-fetch-mode'] === 'navigate' && request.method === 'GET'
    if (!allowed && (site === 'cross-site' || site === 'same-site') && !(isVisit && isPage(rest ?? whole)))
      return refuse(403, 'Another page asked for this without telling its origin.')

    // A browser shows no token with a preflight, and the page holds nothing by itself.
    const needsToken = isToken && request.method !== 'OPTIONS' && whole !== '/'
    if (needsToken && !hasToken)
      return refuse(
        401,
        'Show the token: Authorization: Bearer <token>, or a path that begins with /t/<token>.',
      )
    return {
      admitted: true,
      path: rest === undefined ? whole : rest || '/',
      query,
      prefix: rest === undefined ? '' : `/t/${shownByPath}`,
      origin: allowed ? origin : undefined,
    }
  }
}

const isPage = (path: string) => path === '/' || path === ''

function toOrigin(text: string): string {
  if (extension.test(text)) return text
  let url: URL | undefined
  try {
    url = new URL(text)
  } catch {
    // Told below.
  }
  if (
    !url ||
    (url.protocol !== 'https:' && url.protocol !== 'http:') ||
    url.origin !== text ||
    text.includes('*')
  )
    throw invalid('An origin reads https://app.example, http://localhost:3000 or chrome-extension://<id>.')
  return text
}

function refuse(status: Refused['status'], message: string): Refused {
  return { admitted: false, status, message }
}

function invalid(details: string): VeilcastError {
  return new VeilcastError('invalidArgument', { details })
}
