import { afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { maxFurtherTries, maxTriesPerAddress } from '../../../broadcaster/dist/dashboard/auth/loginRoutes.js'
import { hashPassword, isPassword } from '../../../broadcaster/dist/dashboard/auth/passwordHash.js'
import {
  absoluteLimitMs,
  createSessions,
  idleLimitMs,
  maxSessions,
} from '../../../broadcaster/dist/dashboard/auth/sessions.js'
import { doctorKey, makeDoctorToken } from '../../../broadcaster/dist/dashboard/doctorToken.js'
import { DashboardError } from '../../../broadcaster/dist/dashboard/openDashboard.js'
import {
  type Answer,
  cheapHash,
  form,
  startDashboard,
  type TestDashboard,
  throughProxy,
} from '../../support/dashboard.ts'
import { withEmbeddedStore } from '../../support/store.ts'
import { until } from '../../support/until.ts'

const password = 'a horse with a battery'
const origin = { origin: 'https://veilcast.example', 'sec-fetch-site': 'same-origin' }
const key = doctorKey(new Uint8Array(32).fill(7))

describe('the login to the dashboard', () => {
  const store = withEmbeddedStore()
  let passwordHash: string
  let dashboard: TestDashboard

  beforeAll(() => {
    passwordHash = cheapHash(password)
  })
  afterEach(() => dashboard?.close())

  const openExposed = async (more: Parameters<typeof startDashboard>[2] = {}): Promise<void> => {
    dashboard = await startDashboard(store(), [store().queues.queue('board')], {
      host: '0.0.0.0',
      trustProxy: ['loopback'],
      allowedHosts: ['veilcast.example'],
      auth: { passwordHash },
      doctorKey: key,
      metricsToken: 'a-token-of-prometheus',
      ...more,
    })
  }
  const get = (path: string, headers: Record<string, string> = {}): Promise<Answer> =>
    dashboard.ask({ path, headers: { ...throughProxy, ...headers } })
  const logIn = (given: string, headers: Record<string, string> = {}): Promise<Answer> =>
    dashboard.ask({
      method: 'POST',
      path: '/login',
      headers: { ...throughProxy, ...origin, ...form, ...headers },
      body: new URLSearchParams({ password: given }).toString(),
    })
  const cookieOf = ({ headers }: Answer): string => (headers['set-cookie']?.[0] ?? '').split(';')[0]!

  it('is not to be left out where others can come', async () => {
    for (const reach of [
      { host: '0.0.0.0' },
      { host: '::' },
      { host: '192.0.2.1' },
      { trustProxy: ['loopback'] },
      { allowedHosts: ['veilcast.example'] },
    ]) {
      await expect(startDashboard(store(), [], reach)).rejects.toBeInstanceOf(DashboardError)
    }
  })

  it('stands before every page but health', async () => {
    await openExposed()
    for (const path of [
      '/',
      '/events',
      '/history.json',
      '/audit',
      '/errors/busy',
      '/troubles/storeAway',
      '/status.json',
      '/queues',
      '/queues/api/queues',
      '/queues/static/js/main.js',
      '/queues/manage',
      '/nothing',
    ]) {
      const page = await get(path, { accept: 'text/html' })
      expect([path, page.status, page.headers.location]).toEqual([
        path,
        303,
        `/login?next=${encodeURIComponent(path)}`,
      ])
      expect([path, (await get(path, { accept: 'application/json' })).status]).toEqual([path, 401])
    }
    expect((await get('/healthz')).status).toBe(200)
    expect((await get('/readyz')).status).toBe(200)
    expect((await get('/assets/dashboard.css')).status).toBe(200)
    expect((await get('/metrics')).status).toBe(401)
  })

  it('lets the right password in, with a cookie that no script, other site or plain connection gets', async () => {
    await openExposed()
    const answer = await logIn(password)
    expect([answer.status, answer.headers.location]).toEqual([303, '/'])
    const [cookie] = answer.headers['set-cookie']!
    expect(cookie).toMatch(/^__Host-veilcast-session=[\w-]{43};/)
    for (const flag of ['HttpOnly', 'Secure', 'SameSite=Strict', 'Path=/']) expect(cookie).toContain(flag)
    const page = await get('/', { cookie: cookieOf(answer) })
    expect(page.status).toBe(200)
    expect(page.text).toContain('Log out')
  })

  it('says the same of each wrong password, and gives no cookie', async () => {
    await openExposed()
    const answers = [
      await logIn('wrong'),
      await logIn(''),
      await logIn(`${password} `),
      await logIn('x'.repeat(2_000)),
    ]
    for (const { status, text, headers } of answers) {
      expect([status, text]).toEqual([401, answers[0]!.text])
      expect(headers['set-cookie']).toBeUndefined()
    }
  })

  it('ends with a logout, and knows no session that it did not give', async () => {
    await openExposed()
    const cookie = cookieOf(await logIn(password))
    await dashboard.ask({
      method: 'POST',
      path: '/logout',
      headers: { ...throughProxy, ...origin, cookie },
    })
    expect((await get('/', { cookie })).status).not.toBe(200)
    const forged = `__Host-veilcast-session=${'A'.repeat(43)}`
    expect((await get('/', { cookie: forged })).status).not.toBe(200)
    // A cookie of plain http is none of a page that came over https.
    const plain = cookieOf(await logIn(password)).replace('__Host-', '')
    expect((await get('/', { cookie: plain })).status).not.toBe(200)
  })

  it('gives up on who guesses, by address', async () => {
    await openExposed()
    const from = (address: string) => ({ 'x-forwarded-for': address })
    for (let tries = 0; tries < maxTriesPerAddress; tries++) {
      expect((await logIn('wrong', from('198.51.100.1'))).status).toBe(401)
    }
    expect((await logIn(password, from('198.51.100.1'))).status).toBe(429)
    expect((await logIn(password, from('198.51.100.2'))).status).toBe(303)
  })

  it('is not kept from an address that did not fail, nor from this machine, by any number that fail elsewhere', async () => {
    await openExposed()
    const from = (address: number) => ({ 'x-forwarded-for': `198.51.100.${address}` })
    const here = (given: string) => {
      const own = `127.0.0.1:${dashboard.port}`
      const headers = { ...form, host: own, origin: `http://${own}` }
      return dashboard.ask({
        method: 'POST',
        path: '/login',
        headers,
        body: `password=${encodeURIComponent(given)}`,
      })
    }
    const crowd = Math.ceil(maxFurtherTries / (maxTriesPerAddress - 1))
    for (let address = 0; address < crowd; address++) {
      for (let tries = 0; tries < maxTriesPerAddress; tries++) await logIn('wrong', from(address))
    }
    expect((await logIn('wrong', from(200))).status).toBe(401)
    // It has failed now, and the crowd has used up what is left to those.
    expect((await logIn(password, from(200))).status).toBe(429)
    expect((await logIn(password, from(201))).status).toBe(303)
    expect((await here(password)).status).toBe(303)

    // While as many guess as can, from as many addresses: this machine's place is its own.
    let isOver = false
    let guesses = 0
    const guess = async (): Promise<void> => {
      while (!isOver) await logIn('wrong', { 'x-forwarded-for': `203.0.${++guesses >> 8}.${guesses & 255}` })
    }
    const guessing = [guess(), guess(), guess(), guess()]
    await until(() => guesses > 8)
    for (let tries = 0; tries < 5; tries++) expect((await here(password)).status).toBe(303)
    isOver = true
    await Promise.all(guessing)
    // What is forwarded is from elsewhere, whatever address it names.
    const named = await logIn('wrong', { 'x-forwarded-for': '127.0.0.1' })
    expect([named.status, (await here(password)).status]).toEqual([401, 303])
  }, 120_000)

  it('checks one password at a time, and says so to who comes meanwhile', async () => {
    await openExposed({ auth: { passwordHash: await hashPassword(password) } })
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, at) => logIn('wrong', { 'x-forwarded-for': `198.51.100.${at}` })),
    )
    const checked = answers.filter(({ status }) => status === 401)
    const sentAway = answers.filter(({ status }) => status === 429)
    expect(checked.length).toBeGreaterThan(0)
    expect(sentAway.length).toBeGreaterThan(0)
    expect(checked.length + sentAway.length).toBe(8)
    expect(sentAway[0]!.text).toContain('in a moment')
  })

  it('takes no password over a network in clear', async () => {
    await openExposed()
    const answer = await logIn(password, { 'x-forwarded-proto': 'http' })
    expect([answer.status, answer.headers['set-cookie']]).toEqual([403, undefined])
    const unproxied = await dashboard.ask({
      method: 'POST',
      path: '/login',
      headers: {
        ...form,
        host: 'veilcast.example',
        'x-forwarded-proto': 'http',
        'x-forwarded-for': '203.0.113.7',
        origin: 'http://veilcast.example',
      },
      body: `password=${encodeURIComponent(password)}`,
    })
    expect([unproxied.status, unproxied.headers['set-cookie']]).toEqual([400, undefined])
    expect(unproxied.text).toContain('over https only')
  })

  it('hears no other site', async () => {
    await openExposed()
    const cookie = cookieOf(await logIn(password))
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: 'https://veilcast.example', 'sec-fetch-site': 'cross-site' },
      { origin: 'https://veilcast.example:444' },
      { origin: 'http://veilcast.example' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'none' },
      {},
    ]) {
      for (const [method, path] of [
        ['POST', '/login'],
        ['POST', '/logout'],
        ['PUT', '/queues/manage/api/queues/board/pause'],
      ] as const) {
        const answer = await dashboard.ask({
          method,
          path,
          headers: { ...throughProxy, ...form, cookie, ...headers },
          body: method === 'POST' ? `password=${encodeURIComponent(password)}` : '',
        })
        expect([path, headers, answer.status]).toEqual([path, headers, 403])
      }
    }
    expect((await get('/', { cookie })).status).toBe(200)
    expect(await store().queues.queue('board').isPaused()).toBe(false)
    for (const path of ['/events', '/status.json', '/history.json', '/']) {
      const answer = await get(path, { cookie, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' })
      expect([path, answer.status]).toEqual([path, 403])
    }
    const link = {
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
    }
    expect((await get('/healthz', link)).status).toBe(200)
    expect((await get('/login', link)).status).toBe(200)
  })

  it('sends nobody on to another site', async () => {
    await openExposed()
    for (const next of [
      '//evil.example',
      'https://evil.example',
      '/\\evil.example',
      '/x\nset-cookie:a=b',
      'x',
    ]) {
      const answer = await dashboard.ask({
        method: 'POST',
        path: '/login',
        headers: { ...throughProxy, ...origin, ...form },
        body: new URLSearchParams({ password, next }).toString(),
      })
      expect([next, answer.status, answer.headers.location]).toEqual([next, 303, '/'])
    }
  })

  it('answers to its own names alone', async () => {
    await openExposed()
    for (const host of ['evil.example', 'veilcast.example.evil.example', '169.254.169.254']) {
      expect([host, (await get('/login', { host })).status]).toEqual([host, 421])
    }
    expect((await get('/login', { host: 'VEILCAST.example:8443' })).status).toBe(200)
    await dashboard.close()
    dashboard = await startDashboard(store(), [])
    expect((await dashboard.ask({ path: '/', headers: { host: 'evil.example' } })).status).toBe(421)
    expect((await dashboard.ask({ path: '/', headers: { 'x-forwarded-for': '203.0.113.7' } })).status).toBe(
      421,
    )
    expect((await dashboard.ask({ path: '/' })).status).toBe(200)
  })

  it('is needed on this machine too for what changes something', async () => {
    dashboard = await startDashboard(store(), [store().queues.queue('board')], { auth: { passwordHash } })
    expect((await dashboard.ask({ path: '/' })).status).toBe(200)
    const manage = { path: '/queues/manage', headers: { accept: 'text/html' } }
    expect((await dashboard.ask(manage)).status).toBe(303)
    const own = { origin: `http://127.0.0.1:${dashboard.port}` }
    const pause = { method: 'PUT', path: '/queues/manage/api/queues/board/pause', headers: own }
    expect((await dashboard.ask(pause)).status).toBe(401)
    const answer = await dashboard.ask({
      method: 'POST',
      path: '/login',
      headers: { ...form, ...own },
      body: new URLSearchParams({ password, next: '/queues/manage' }).toString(),
    })
    expect(answer.headers.location).toBe('/queues/manage')
    expect(answer.headers['set-cookie']![0]).not.toContain('Secure')
    const cookie = cookieOf(answer)
    expect((await dashboard.ask({ ...manage, headers: { cookie } })).status).toBe(200)
    await dashboard.close()
    dashboard = await startDashboard(store(), [])
    const closed = await dashboard.ask(manage)
    expect([closed.status, closed.text.includes('hash-password')]).toEqual([403, true])
  })

  it('lets doctor read the status with the key file alone, for a minute', async () => {
    await openExposed()
    const read = async (token: string): Promise<number> =>
      (await get('/status.json', { accept: 'application/json', authorization: `Bearer ${token}` })).status
    const good = makeDoctorToken(key)
    expect(await read(good)).toBe(200)
    expect(await read(makeDoctorToken(key, Date.now() - 61_000))).toBe(401)
    expect(await read(makeDoctorToken(key, Date.now() + 61_000))).toBe(401)
    expect(await read(makeDoctorToken(doctorKey(new Uint8Array(32).fill(8))))).toBe(401)
    expect(await read(`${Date.now() + 1}${good.slice(13)}`)).toBe(401)
    expect(await read('x')).toBe(401)
    const elsewhere = await get('/history.json', {
      authorization: `Bearer ${good}`,
      accept: 'application/json',
    })
    expect(elsewhere.status).toBe(401)
  })

  it('lets Prometheus read the metrics with its token', async () => {
    await openExposed()
    const read = async (token: string): Promise<number> =>
      (await get('/metrics', { authorization: `Bearer ${token}` })).status
    expect(await read('a-token-of-prometheus')).toBe(200)
    expect(await read('another-token')).toBe(401)
    expect(await read(makeDoctorToken(key))).toBe(401)
    expect((await dashboard.ask({ path: '/metrics' })).status).toBe(200)
  })
})

describe('a session', () => {
  it('ends when it was not used for a while, and some time after the login in any case', () => {
    let nowMs = 0
    const sessions = createSessions(() => nowMs)
    const idle = sessions.begin()
    nowMs += idleLimitMs
    expect(sessions.use(idle)).toBeDefined()
    nowMs += idleLimitMs + 1
    expect(sessions.use(idle)).toBeUndefined()
    expect(sessions.use(idle)).toBeUndefined()
    const used = sessions.begin()
    const endMs = nowMs + absoluteLimitMs
    while (nowMs < endMs) {
      expect(sessions.use(used)).toBeDefined()
      nowMs += idleLimitMs
    }
    nowMs = endMs + 1
    expect(sessions.use(used)).toBeUndefined()
  })

  it('gives way to newer ones where there are too many', () => {
    const sessions = createSessions()
    const ids = Array.from({ length: maxSessions + 1 }, () => sessions.begin())
    expect(sessions.use(ids[0]!)).toBeUndefined()
    expect(sessions.use(ids[1]!)).toBeDefined()
    expect(new Set(ids).size).toBe(ids.length)
  })
})

describe('the hash of a password', () => {
  it('is another each time, and of that password alone', async () => {
    const [one, other] = await Promise.all([hashPassword(password), hashPassword(password)])
    expect(one).not.toBe(other)
    expect(await isPassword(password, one)).toBe(true)
    expect(await isPassword(password, other)).toBe(true)
    expect(await isPassword(`${password}x`, one)).toBe(false)
    // However a keyboard writes an umlaut.
    expect(await isPassword('gru\u0308n ist die Heide', await hashPassword('gr\u00fcn ist die Heide'))).toBe(
      true,
    )
  })

  it('takes no password that is too short or too long, and no hash that costs what it likes', async () => {
    await expect(hashPassword('short')).rejects.toThrow(RangeError)
    await expect(hashPassword('x'.repeat(2_000))).rejects.toThrow(RangeError)
    const costly = (await hashPassword(password)).replace('$15$8$', '$30$8$')
    await expect(isPassword(password, costly)).rejects.toThrow(RangeError)
  })
})
