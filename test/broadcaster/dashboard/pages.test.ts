import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { html } from '../../../broadcaster/dist/dashboard/html.js'
import { maxOpenPages } from '../../../broadcaster/dist/dashboard/liveEvents.js'
import { overviewSections } from '../../../broadcaster/dist/dashboard/pages/overview.js'
import { findTroubles } from '../../../broadcaster/dist/fleet/findTroubles.js'
import { troubleCodes } from '../../../broadcaster/dist/fleet/troubles.js'
import { cheapHash, form, startDashboard, type TestDashboard } from '../../support/dashboard.ts'
import { aReport, aSample } from '../../support/fleet.ts'
import { withEmbeddedStore } from '../../support/store.ts'
import { until } from '../../support/until.ts'

const password = 'a horse with a battery'

describe('the pages of the dashboard', () => {
  const store = withEmbeddedStore()
  let dashboard: TestDashboard

  beforeEach(async () => {
    dashboard = await startDashboard(store(), [store().queues.queue('board')], {
      auth: { passwordHash: cheapHash(password) },
    })
  })
  afterEach(() => dashboard.close())

  const own = (): Record<string, string> => ({ origin: `http://127.0.0.1:${dashboard.port}` })
  async function logIn(): Promise<string> {
    const answer = await dashboard.ask({
      method: 'POST',
      path: '/login',
      headers: { ...form, ...own() },
      body: new URLSearchParams({ password }).toString(),
    })
    return (answer.headers['set-cookie']?.[0] ?? '').split(';')[0]!
  }

  it('are whole, and load and run nothing but our own files', async () => {
    for (const path of [
      '/',
      '/audit',
      '/errors/busy',
      '/login',
      ...troubleCodes.map((code) => `/troubles/${code}`),
    ]) {
      const { status, headers, text } = await dashboard.ask({ path, headers: { accept: 'text/html' } })
      expect([path, status]).toEqual([path, 200])
      expect(headers['content-security-policy']).toBe(
        "default-src 'none';script-src 'self';style-src 'self';img-src 'self';connect-src 'self';form-action 'self';base-uri 'none';frame-ancestors 'none'",
      )
      expect(headers['cache-control']).toBe('no-store')
      expect(text).toMatch(/^<!DOCTYPE html>[\s\S]*<\/html>\n$/)
      expect(text).not.toMatch(/ style="| on\w+="|<script>|javascript:|https?:\/\/(?!www\.w3\.org)/)
      for (const [, file] of text.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)) {
        expect([file, (await dashboard.ask({ path: file! })).status]).toEqual([file, 200])
      }
    }
    expect((await dashboard.ask({ path: '/queues' })).headers['content-security-policy']).toContain(
      "script-src 'self';style-src 'self' 'unsafe-inline'",
    )
  })

  it('are served under one way of writing their path', async () => {
    const answers = [
      '/queues/../audit',
      '/queues/..',
      '/./audit',
      '//audit',
      '/queues//manage',
      '/queues/%2e%2e/audit',
      '/queues%2fmanage',
      '/queues/%5cmanage',
      '/queues\\manage',
      '/queues/manage%00',
      '/queues/%252e%252e/',
      '/assets/../package.json',
      '/assets/%2e%2e%2fpackage.json',
      '/\u00e9',
      `/${'a'.repeat(3_000)}`,
      'http://evil.example/audit',
      'audit',
      '*',
    ].map(async (path) => {
      const text = await dashboard.raw(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`)
      return [path, / (\d{3}) /.exec(text.slice(0, 20))?.[1]]
    })
    for (const [path, status] of await Promise.all(answers)) expect([path, status]).toEqual([path, '400'])
    expect((await dashboard.ask({ path: '/assets/package.json' })).status).toBe(404)
    // However it is written, what changes something asks for a login.
    for (const path of ['/QUEUES/MANAGE/api/queues', '/queues/manage/', '/queues/Manage/api/queues']) {
      const { status } = await dashboard.ask({ path, headers: { accept: 'application/json' } })
      expect([path, status]).toEqual([path, 401])
    }
  })

  it('take no method that they do not need, and nothing that is too large', async () => {
    for (const method of ['TRACE', 'OPTIONS', 'DELETE', 'PATCH', 'PROPFIND', 'LOCK']) {
      expect([method, (await dashboard.ask({ method, path: '/' })).status]).toEqual([method, 405])
    }
    expect(await dashboard.raw('CONNECT evil.example:443 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')).toBe('')
    expect((await dashboard.raw('BREW / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')).slice(0, 12)).toBe(
      'HTTP/1.1 400',
    )
    const headers = `X: ${'x'.repeat(20_000)}`
    expect(
      (await dashboard.raw(`GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n${headers}\r\n\r\n`)).slice(0, 12),
    ).toBe('HTTP/1.1 431')
    const body = `password=${'x'.repeat(50_000)}`
    const post = { method: 'POST', path: '/login', headers: { ...form, ...own() } }
    expect((await dashboard.ask({ ...post, body })).status).toBe(413)
    expect((await dashboard.ask({ ...post, body: 'a=1&b=2&c=3&d=4&e=5&password=x' })).status).toBe(413)
    const twice = await dashboard.ask({
      ...post,
      body: `password=x&password=${encodeURIComponent(password)}`,
    })
    expect(twice.status).toBe(401)
  })

  it('push what changed to those that are open, of which there is a limit', async () => {
    const opened: IncomingMessage[] = []
    for (let count = 0; count < maxOpenPages; count++) {
      const page = await dashboard.open({ path: '/events' })
      expect(page.statusCode).toBe(200)
      page.setEncoding('utf8')
      opened.push(page)
    }
    expect((await dashboard.ask({ path: '/events' })).status).toBe(503)
    const [text] = (await once(opened[0]!, 'data')) as [string]
    expect(text).toMatch(/^event: status\ndata: \{.*\}\n\n$/)
    const { sections } = JSON.parse(text.slice(text.indexOf('{'))) as { sections: Record<string, string> }
    expect(Object.keys(sections)).toContain('verdict')
    // What did not change does not come again.
    const [again] = (await once(opened[0]!, 'data')) as [string]
    expect(again).not.toContain('"queues"')
    opened[5]!.destroy()
    await until(async () => {
      const page = await dashboard.open({ path: '/events' })
      page.destroy()
      return page.statusCode === 200
    })
    for (const page of opened) page.destroy()
  })

  it('change queues for those that are logged in: pause, resume, retry and nothing else, each written down', async () => {
    const queue = store().queues.queue('board')
    const worker = store().queues.worker('board', () => Promise.reject(new Error('for the test')), {
      concurrency: 1,
    })
    void worker.run()
    await queue.add('submit', {}, { jobId: 'failing', removeOnFail: false, attempts: 1 })
    await until(async () => (await queue.getFailedCount()) === 1)
    await worker.close()
    await queue.add('submit', {}, { jobId: 'kept', delay: 600_000 })
    const cookie = await logIn()
    const change = async (method: string, path: string): Promise<number> => {
      const answer = await dashboard.ask({
        method,
        path: `/queues/manage/api/queues${path}`,
        headers: { ...own(), cookie, 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'x', data: { planted: 1 }, jobData: { planted: 1 } }),
      })
      return answer.status
    }
    expect(await change('PUT', '/board/pause')).toBe(200)
    expect(await queue.isPaused()).toBe(true)
    expect(await change('PUT', '/board/resume')).toBe(200)
    expect(await queue.isPaused()).toBe(false)
    expect(await change('PUT', '/pause')).toBe(200)
    expect(await queue.isPaused()).toBe(true)
    expect(await change('PUT', '/resume')).toBe(200)
    expect(await change('PUT', '/board/failing/retry')).toBe(204)
    expect(await queue.getFailedCount()).toBe(0)
    for (const [method, path] of [
      ['PUT', '/board/empty'],
      ['PUT', '/board/obliterate'],
      ['PUT', '/board/clean/delayed'],
      ['PUT', '/board/kept/clean'],
      ['PUT', '/board/kept/promote'],
      ['PUT', '/board/promote'],
      ['PUT', '/board/concurrency'],
      ['PUT', '/board/rate-limit'],
      ['PUT', '/board/%70ause'],
      ['PUT', '/other/pause'],
      ['POST', '/board/add'],
      ['POST', '/board/pause'],
      ['PUT', '/board/retry/delayed'],
    ] as const) {
      expect([path, await change(method, path)]).toEqual([path, 403])
    }
    expect(await change('PATCH', '/board/kept/update-data')).toBe(405)
    expect(await queue.getDelayedCount()).toBe(1)
    expect((await queue.getJob('kept'))?.data).toEqual({})

    await until(async () => (await store().fleet.audits(20)).length === 10)
    const written = await store().fleet.audits(20)
    expect(written.map(({ action, queue, result }) => [action, queue, result]).reverse()).toEqual([
      ['pause', 'board', 102],
      ['pause', 'board', 200],
      ['resume', 'board', 102],
      ['resume', 'board', 200],
      ['pause all', 'all', 102],
      ['pause all', 'all', 200],
      ['resume all', 'all', 102],
      ['resume all', 'all', 200],
      ['retry one', 'board', 102],
      ['retry one', 'board', 204],
    ])
    expect(new Set(written.map(({ session }) => session)).size).toBe(1)
    expect(cookie).not.toContain(written[0]!.session)
    const page = await dashboard.ask({ path: '/audit' })
    expect(page.text).toContain(written[0]!.session)
    expect(page.text).toContain('retry one')
  })

  it('keep the last hour and day, also for a process that has just started', async () => {
    const nowMs = Date.now()
    await store().fleet.append('hour', aSample({ atMs: nowMs - 20_000, failures: { busy: 3 } }))
    await store().fleet.append('hour', aSample({ atMs: nowMs - 10_000, surbsHeld: 7 }))
    await store().fleet.append('day', aSample({ atMs: nowMs - 3_700_000, askers: 4 }))
    const read = async (query: string) =>
      JSON.parse((await dashboard.ask({ path: `/history.json?${query}` })).text).samples as Record<
        string,
        unknown
      >[]
    expect(await read('span=hour')).toMatchObject([{ failures: { '6 busy': 18 } }, { surbsHeld: 7 }])
    expect(await read(`span=hour&after=${nowMs - 20_000}`)).toMatchObject([{ surbsHeld: 7 }])
    expect(await read('span=day')).toMatchObject([{ askers: 4 }])
    for (const odd of ['span=x', 'after=x', 'span=hour&span=day', 'after=1e999', 'after=-5', '__proto__=1']) {
      expect(await read(odd)).toHaveLength(2)
    }
    const { headers } = await dashboard.ask({
      path: '/history.json',
      headers: { 'accept-encoding': 'gzip' },
    })
    expect(headers['content-encoding']).toBe('gzip')
  })

  it('answer while the store is away, and say so', async () => {
    await dashboard.close()
    dashboard = await startDashboard({ ...store(), fleet: awayFleet } as never, [], {
      fleet: awayFleet as never,
    })
    const page = await dashboard.ask({ path: '/', headers: { accept: 'text/html' } })
    expect(page.status).toBe(200)
    expect(page.text).toContain('The store does not answer')
    const status = JSON.parse((await dashboard.ask({ path: '/status.json' })).text)
    expect(status).toMatchObject({ ok: false, troubles: [{ code: 'storeAway', severity: 'page' }] })
    const audit = await dashboard.ask({ path: '/audit' })
    expect([audit.status, audit.text]).toEqual([500, '{"error":"Error"}'])
  })
})

const away = async (): Promise<never> => {
  throw new Error('postgres://operator:secret@db.example')
}
const awayFleet = {
  processes: away,
  samples: away,
  audits: away,
  publish: away,
  append: away,
  audit: away,
  remove: away,
}

describe('what is shown', () => {
  it('is escaped, wherever it comes from', () => {
    const hostile = `"><script>alert('x')</script>&`
    expect(html`<a title="${hostile}">${hostile}</a>`.text).toBe(
      `<a title="${'&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;'}">${'&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;'}</a>`,
    )
    const now = Date.now()
    const endpoint = {
      id: hostile,
      operator: hostile,
      live: false,
      trouble: hostile,
      sinceMs: now - 600_000,
      height: 1,
      latencyMs: 1,
      score: 1,
      breaker: 'open',
      requests: 1,
      failures: 0,
      liveIn: 0,
      askedBy: 1,
    }
    const status = {
      atMs: now,
      store: { kind: hostile, answers: true, durability: 'fsync' },
      processes: [{ report: aReport({ name: hostile, version: hostile }), heardMsAgo: 0, clockAheadMs: 0 }],
      chains: [
        {
          chain: hostile,
          waiting: 0,
          live: 0,
          unsent: 0,
          matched: null,
          height: 1,
          heightSinceMs: now,
          operators: 1,
          disputes: [],
          endpoints: [endpoint],
        },
      ],
      queues: [{ queue: hostile, waiting: 0, active: 0, delayed: 0, failed: 0, paused: true }],
      recent: aSample({ failures: { [hostile]: 3, busy: 1 }, stages: { [`${hostile} x`]: { '1': 1 } } }),
      limits: { maxWaitingPerChain: 1, maxUnsentPerChain: 1 },
    }
    const sections = overviewSections({ status, troubles: findTroubles(status), hour: null })
    const text = Object.values(sections).join('')
    expect(text).toContain('&lt;script&gt;')
    expect(text).not.toContain('<script')
    expect(text.split(hostile)).toHaveLength(1)
  })
})
