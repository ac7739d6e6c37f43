import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, normalize } from 'node:path'
import type { Localnet } from '@veilcast/localnet'
import { type Browser, chromium, type Page } from 'playwright-core'
import { chromiumPath } from './chromium.ts'
import { root } from './processes.ts'

export interface Wallet {
  readonly page: Page
  /** Every address that the page asked anything of, as origins. */
  readonly origins: ReadonlySet<string>
  close(): Promise<void>
}

/** The packages as they are built, unbundled: a browser finds each by this map. */
const importMap = {
  imports: {
    '@veilcast/client': '/client/dist/index.js',
    '@veilcast/client/nym-sdk': '/client/dist/mixnet/nymSdk.js',
    '@veilcast/shared/errors': '/shared/dist/errors/index.js',
    '@veilcast/shared/protocol': '/shared/dist/protocol/index.js',
    '@veilcast/shared/mixnet': '/shared/dist/mixnet/index.js',
    '@veilcast/shared/mixnet/nym-sdk': '/shared/dist/mixnet/nymSdk/index.js',
    '@nymproject/sdk-full-fat': '/node_modules/@nymproject/sdk-full-fat/index.js',
    '@noble/hashes/': '/node_modules/@noble/hashes/',
  },
}
const folders = ['client/dist', 'shared/dist', 'node_modules']

/** A wallet in a page: a form, and the library in fifteen lines. */
const pageText = `<!doctype html>
<title>Wallet</title>
<script type="importmap" nonce="page">${JSON.stringify(importMap)}</script>
<form>
  <input name="nymApiUrl"><input name="preferredGateway"><input name="broadcaster">
  <input name="chain"><input name="signedTx"><button>Send</button>
</form>
<ol></ol>
<output></output>
<script type="module" nonce="page">
  import { createClient } from '@veilcast/client'
  import { createNymSdkDialer } from '@veilcast/client/nym-sdk'

  document.forms[0].onsubmit = async (event) => {
    event.preventDefault()
    const { nymApiUrl, preferredGateway, broadcaster, chain, signedTx } = Object.fromEntries(new FormData(event.target))
    const mixnet = createNymSdkDialer({ nymApiUrl, preferredGateway })
    const client = createClient({ mixnet, broadcasters: [broadcaster] })
    const onProgress = ({ stage }) => document.querySelector('ol').append(Object.assign(document.createElement('li'), { textContent: stage }))
    const show = (value) => { document.querySelector('output').textContent = JSON.stringify(value, (_, field) => typeof field === 'bigint' ? String(field) : field) }
    try {
      await client.start()
      show(await client.submit({ chain, signedTx }, { onProgress }))
    } catch ({ name, message, errorName, outcome }) {
      show({ name, message, errorName, outcome })
    }
    await client.stop()
  }
</script>`

/** Opens the wallet's page in Chromium, under a policy that lets it reach the mixnet and nothing else. */
export async function openWallet(localnet: Localnet): Promise<Wallet> {
  const policy = [
    `default-src 'none'`,
    `script-src 'self' 'nonce-page' 'wasm-unsafe-eval'`,
    'worker-src blob:',
    `connect-src ${new URL(localnet.nymApiUrl).origin} ${localnet.gatewayUrl}`,
  ].join('; ')
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname
    if (path === '/') {
      response.setHeader('content-security-policy', policy)
      response.writeHead(200, { 'content-type': 'text/html' }).end(pageText)
      return
    }
    const file = normalize(join(root, path))
    const isServed = folders.some((folder) => file.startsWith(join(root, folder, '/')))
    const body = isServed ? await readFile(file).catch(() => undefined) : undefined
    response.writeHead(body ? 200 : 404, { 'content-type': 'text/javascript' }).end(body)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')

  let browser: Browser | undefined
  async function close(): Promise<void> {
    await browser?.close()
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  try {
    browser = await chromium.launch({ executablePath: chromiumPath ?? '', args: ['--no-sandbox'] })
    const page = await browser.newPage()
    const origins = new Set<string>()
    const note = (url: string): void => {
      if (!url.startsWith('blob:')) origins.add(new URL(url).origin)
    }
    page.on('request', (request) => note(request.url()))
    page.on('websocket', (socket) => note(socket.url()))
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    return { page, origins, close }
  } catch (error) {
    await close()
    throw error
  }
}
