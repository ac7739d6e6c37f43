import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { RequestHandler } from 'express'

const require = createRequire(import.meta.url)
const own = (name: string): URL => new URL(`../../assets/${name}`, import.meta.url)

/** Every file that our pages load: no other is served. */
const files: Readonly<Record<string, { readonly from: () => URL | string; readonly type: string }>> = {
  'dashboard.css': { from: () => own('dashboard.css'), type: 'text/css; charset=utf-8' },
  'dashboard.js': { from: () => own('dashboard.js'), type: 'text/javascript; charset=utf-8' },
  'icon.svg': { from: () => own('icon.svg'), type: 'image/svg+xml' },
  'uplot.js': {
    from: () => require.resolve('uplot/dist/uPlot.iife.min.js'),
    type: 'text/javascript; charset=utf-8',
  },
  'uplot.css': { from: () => require.resolve('uplot/dist/uPlot.min.css'), type: 'text/css; charset=utf-8' },
}

/** Reads them all at once, so that a missing one is noticed at the start. */
export function assets(): RequestHandler {
  const read = new Map(
    Object.entries(files).map(([name, { from, type }]) => {
      const body = readFileSync(from())
      const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
      return [name, { body, type, etag }] as const
    }),
  )
  return (request, response, next) => {
    const file = read.get(String(request.params.name))
    if (!file) {
      next()
      return
    }
    response.set({ 'content-type': file.type, etag: file.etag, 'cache-control': 'no-cache' })
    if (request.headers['if-none-match'] === file.etag) response.status(304).end()
    else response.send(file.body)
  }
}
