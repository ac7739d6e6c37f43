import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'
import { MixnetError, type MixnetErrorKind } from '@veilcast/shared/mixnet'
import type { LinkDialer, NymSdkDialerOptions } from '@veilcast/shared/mixnet/nym-sdk'
import { chromium, type Page } from 'playwright-core'
import { chromiumPath } from './chromium.ts'

export interface BrowserDialers {
  /** A dialer in a page of its own, driven from here. */
  create(options: Omit<NymSdkDialerOptions, 'sdk'>): Promise<LinkDialer & { readonly page: Page }>
  /** What the pages asked this server for. */
  readonly served: ReadonlySet<string>
  stop(): Promise<void>
}

const types: Record<string, string> = { '.js': 'text/javascript', '.html': 'text/html' }
const importMap = {
  imports: {
    '@nymproject/sdk-full-fat': '/node_modules/@nymproject/sdk-full-fat/index.js',
    '@noble/hashes/': '/node_modules/@noble/hashes/',
    '@scure/base': '/node_modules/@scure/base/index.js',
    '@veilcast/shared/mixnet/nym-sdk': '/shared/dist/mixnet/nymSdk/index.js',
  },
}
/** Imports lie in the page itself: jest rewrites those of functions that go there. */
const pageText = `<!doctype html>
<script type="importmap" nonce="page">${JSON.stringify(importMap)}</script>
<script type="module" nonce="page">
  import { createNymSdkDialer } from '@veilcast/shared/mixnet/nym-sdk'
  Object.assign(globalThis, { createNymSdkDialer })
</script>`
/** The policy that the dialer's docs ask for, and no more. */
const policy = [
  `default-src 'none'`,
  `script-src 'self' 'nonce-page' 'wasm-unsafe-eval'`,
  'worker-src blob:',
  'connect-src http://127.0.0.1:* ws://127.0.0.1:*',
].join('; ')

/** Serves the built packages, unbundled, and opens pages on them in the system's Chromium. */
export async function startBrowserDialers(): Promise<BrowserDialers> {
  const root = normalize(join(__dirname, '../..'))
  const served = new Set<string>()
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname
    if (path === '/') {
      response.setHeader('content-type', 'text/html').setHeader('content-security-policy', policy)
      response.end(pageText)
      return
    }
    const file = normalize(join(root, path))
    const allowed = ['node_modules', 'shared/dist'].some((folder) => file.startsWith(join(root, folder)))
    const body = allowed ? await readFile(file).catch(() => undefined) : undefined
    if (body) served.add(path)
    response.setHeader('content-type', types[extname(file)] ?? 'application/octet-stream')
    response.writeHead(body ? 200 : 404).end(body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const browser = await chromium.launch({
    executablePath: chromiumPath ?? '',
    args: ['--no-sandbox'],
  })

  return {
    served,
    async create(options) {
      const page = await browser.newPage()
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
      return drive(page, options)
    },
    async stop() {
      await browser.close()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

type Outcome = { readonly value?: unknown; readonly error?: { name: string; message: string; kind?: string } }

async function drive(
  page: Page,
  options: Omit<NymSdkDialerOptions, 'sdk'>,
): Promise<LinkDialer & { page: Page }> {
  let consumed = false
  let restarts: (() => void)[] = []
  await page.exposeFunction('heardRestart', () => {
    for (const hear of restarts) hear()
  })
  await page.evaluate((options) => {
    const { createNymSdkDialer, heardRestart } = globalThis as unknown as {
      createNymSdkDialer(options: object): LinkDialer
      heardRestart(): void
    }
    const dialer = createNymSdkDialer(options)
    dialer.onRestart(heardRestart)
    Object.assign(globalThis, { dialer })
  }, options)

  /** Runs in the page: errors come back as plain objects, for playwright keeps only their text. */
  const call = async (method: string, args: unknown[], aborted?: string): Promise<unknown> => {
    const outcome: Outcome = await page.evaluate(
      async ({ method, args, aborted }) => {
        const { dialer } = globalThis as unknown as {
          dialer: Record<string, (...args: unknown[]) => unknown>
        }
        const given = args.map((arg) =>
          typeof arg === 'object'
            ? Uint8Array.from(atob((arg as { base64: string }).base64), (c) => c.charCodeAt(0))
            : arg,
        )
        const wait = aborted === undefined ? [] : [{ signal: AbortSignal.abort(new Error(aborted)) }]
        try {
          return { value: await dialer[method]!(...given, ...wait) }
        } catch (thrown) {
          const { name, message, kind } = thrown as Error & { kind?: string }
          return { error: kind === undefined ? { name, message } : { name, message, kind } }
        }
      },
      { method, args, ...(aborted === undefined ? {} : { aborted }) },
    )
    if (!outcome.error) return outcome.value
    const { name, message, kind } = outcome.error
    if (kind !== undefined) throw new MixnetError(kind as MixnetErrorKind, message)
    throw name === 'RangeError' ? new RangeError(message) : new Error(message)
  }
  const reasonOf = (signal?: AbortSignal) => (signal?.aborted ? String(signal.reason.message) : undefined)

  return {
    page,
    async start({ signal } = {}) {
      await call('start', [], reasonOf(signal))
    },
    async stop() {
      await call('stop', [])
    },
    async send(to, payload, surbs, { signal } = {}) {
      const base64 = Buffer.from(payload).toString('base64')
      await call('send', [to, { base64 }, surbs], reasonOf(signal))
    },
    replies() {
      if (consumed) throw new Error('There is a consumer already.')
      consumed = true
      return read(page, () => {
        consumed = false
      })
    },
    onRestart(hear) {
      restarts.push(hear)
      return () => {
        restarts = restarts.filter((other) => other !== hear)
      }
    },
    lastRoundTrip: () => undefined,
  }
}

async function* read(page: Page, left: () => void): AsyncGenerator<Uint8Array> {
  await page.evaluate(() => {
    const { dialer } = globalThis as unknown as { dialer: { replies(): AsyncIterable<Uint8Array> } }
    Object.assign(globalThis, { replies: dialer.replies()[Symbol.asyncIterator]() })
  })
  for (;;) {
    const payload = await page.evaluate(async () => {
      const { replies } = globalThis as unknown as { replies: AsyncIterator<Uint8Array> }
      const { done, value } = await replies.next()
      return done ? undefined : [...value]
    })
    if (!payload) return left()
    yield Uint8Array.from(payload)
  }
}
