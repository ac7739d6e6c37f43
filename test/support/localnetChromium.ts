import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { chromium, type Page } from 'playwright-core'
import { chromiumPath } from './chromium.ts'

const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** What the browser SDK needs, and no more. */
const POLICY = [
  `default-src 'none'`,
  `script-src 'self' 'nonce-page' 'wasm-unsafe-eval'`,
  'worker-src blob:',
  'connect-src http://127.0.0.1:* ws://127.0.0.1:*',
].join('; ')

/** jest would rewrite an import inside a function that goes to the page: it stands here. */
const PAGE = `<!doctype html>
<script type="module" nonce="page">
  import { createNymMixnetClient } from '/sdk.js'
  Object.assign(globalThis, { createNymMixnetClient })
</script>`

/** Opens a page that has the published browser SDK, unmodified, as `createNymMixnetClient`. */
export async function openSdkPage(): Promise<{ page: Page; close(): Promise<void> }> {
  const sdk = await readFile(join(__dirname, '../../node_modules/@nymproject/sdk-full-fat/index.js'))
  const server = createServer((request, response) => {
    if (request.url === '/sdk.js') response.setHeader('content-type', 'text/javascript').end(sdk)
    else
      response.setHeader('content-type', 'text/html').setHeader('content-security-policy', POLICY).end(PAGE)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const browser = await chromium.launch({ executablePath: chromiumPath ?? '', args: ARGUMENTS })
  const page = await browser.newPage()
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  return {
    page,
    async close() {
      await browser.close()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
