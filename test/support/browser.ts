import { type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { chromiumPath } from './chromium.ts'

/** What a page did that somebody should know of. */
export interface PageRecord {
  /** Origins of every request and websocket, blobs left out. */
  readonly origins: Set<string>
  /** Errors of its console, uncaught ones, and requests that failed. */
  readonly errors: string[]
  /** Reports of its Content-Security-Policy. */
  readonly violations: string[]
  /** All that its console said. */
  readonly said: string[]
}

export interface TestBrowser {
  /** A page of its own, with storage of its own. */
  open(options?: BrowserContextOptions): Promise<{ readonly page: Page; readonly record: PageRecord }>
  close(): Promise<void>
}

/** The system's Chromium, whose pages are on record. */
export async function startBrowser(args: readonly string[] = []): Promise<TestBrowser> {
  const browser = await chromium.launch({
    executablePath: chromiumPath ?? '',
    args: ['--no-sandbox', ...args],
  })
  return {
    async open(options) {
      const context = await browser.newContext(options)
      const record: PageRecord = { origins: new Set(), errors: [], violations: [], said: [] }
      await context.exposeFunction('reportViolation', (text: string) => record.violations.push(text))
      await context.addInitScript(() => {
        const { reportViolation } = globalThis as unknown as { reportViolation(text: string): void }
        addEventListener('securitypolicyviolation', (event) => {
          reportViolation(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`)
        })
      })
      context.setDefaultTimeout(90_000)
      const page = await context.newPage()
      const note = (address: string): void => {
        if (!address.startsWith('blob:')) record.origins.add(new URL(address).origin)
      }
      context.on('request', (request) => note(request.url()))
      page.on('websocket', (socket) => note(socket.url()))
      context.on('console', (message) => {
        record.said.push(message.text())
        if (message.type() === 'error') record.errors.push(message.text())
      })
      page.on('pageerror', (error) => record.errors.push(String(error)))
      return { page, record }
    },
    close: () => browser.close(),
  }
}
