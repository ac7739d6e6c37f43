import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { type Hex, keccak256 } from 'viem'
import { chromiumPath, describeInChromium } from '../../support/chromium.ts'
import { signEthTransfer } from '../../support/devnetSign.ts'
import { makeFolder } from '../../support/path.ts'
import { root } from '../../support/processes.ts'
import { until } from '../../support/until.ts'
import { untilPooled } from '../../support/untilPooled.ts'
import { startWalletStack, type WalletStack } from '../../support/walletStack.ts'

const limitMs = 120_000

/** What the background worker runs in; its own types are not installed. */
type Extension = {
  chrome: { storage: { local: { get(): Promise<Record<string, { stage?: string; ok?: boolean }>> } } }
}

describeInChromium('a browser extension', () => {
  let stack: WalletStack
  let folder: Awaited<ReturnType<typeof makeFolder>>
  let extension: string
  let context: BrowserContext

  beforeAll(async () => {
    folder = await makeFolder()
    extension = join(folder.path, 'extension')
    stack = await startWalletStack({ evm: {} })
    const program = createRequire(__filename)
      .resolve('vite/package.json')
      .replace('package.json', 'bin/vite.js')
    const source = join(root, 'client/examples/extension')
    await promisify(execFile)(process.execPath, [program, 'build', source, '--outDir', extension])
    // The one thing that is of the main network: whom its pages may reach.
    const { nymApiUrl, preferredGateway } = stack.localnet
    const config = { nymApiUrl, preferredGateway, broadcasters: [stack.broadcasterAddress] }
    await writeFile(join(extension, 'config.json'), JSON.stringify(config))
    const manifest = join(extension, 'manifest.json')
    const text = await readFile(manifest, 'utf8')
    await writeFile(
      manifest,
      text.replace('https://validator.nymtech.net wss:', 'http://127.0.0.1:* ws://127.0.0.1:*'),
    )
  }, limitMs)
  afterAll(async () => {
    await context?.close()
    await stack?.stop()
    await folder?.remove()
  }, limitMs)

  /** Chromium with the extension and one profile, as a person starts it again and again; and the extension's popup. */
  async function openBrowser(): Promise<Page> {
    context = await chromium.launchPersistentContext(join(folder.path, 'profile'), {
      executablePath: chromiumPath ?? '',
      args: ['--no-sandbox', `--disable-extensions-except=${extension}`, `--load-extension=${extension}`],
    })
    const worker = context.serviceWorkers()[0] ?? (await context.waitForEvent('serviceworker'))
    const popup = await context.newPage()
    await popup.goto(new URL('/popup.html', worker.url()).href)
    return popup
  }
  async function send(popup: Page): Promise<Hex> {
    const { anvil } = stack
    const [from, to] = [anvil.accounts[0]!, anvil.accounts[1]!.address]
    const signedTx = await signEthTransfer(anvil, { from, to, valueWei: 1n })
    const txId = keccak256(signedTx)
    await popup.fill('[name=chain]', anvil.chainId)
    await popup.fill('[name=signedTx]', signedTx)
    await popup.click('button')
    await popup.locator('output', { hasText: txId }).waitFor({ timeout: limitMs })
    await until(async () => (await told(popup, txId)) !== undefined)
    return txId
  }
  /** As the background worker wrote it down. */
  const told = (popup: Page, txId: string) =>
    popup.evaluate(async (key) => {
      const { chrome } = globalThis as unknown as Extension
      return (await chrome.storage.local.get())[key]
    }, `transaction ${txId}`)
  /** As the browser does after 30 s without an event. */
  async function endWorker(popup: Page): Promise<void> {
    const session = await context.newCDPSession(popup)
    const stopped = new Promise<void>((resolve) => {
      session.on('ServiceWorker.workerVersionUpdated', ({ versions }) => {
        if (versions.some(({ runningStatus }) => runningStatus === 'stopped')) resolve()
      })
    })
    await session.send('ServiceWorker.enable')
    await session.send('ServiceWorker.stopAllWorkers')
    await stopped
  }

  it(
    'whose background worker is ended is woken by what becomes of its transaction',
    async () => {
      await stack.anvil.setAutomine(false)
      const popup = await openBrowser()
      const [worker] = context.serviceWorkers()
      // Why the client lives in an offscreen document.
      expect(await worker!.evaluate(() => typeof Worker)).toBe('undefined')

      const txId = await send(popup)
      expect((await told(popup, txId))?.stage).not.toBe('included')
      await endWorker(popup)
      await untilPooled(stack.anvil)
      await stack.anvil.mine()
      await until(async () => (await told(popup, txId))?.stage === 'included')
      expect(await told(popup, txId)).toEqual({ stage: 'included', ok: true })
      await popup.locator('li', { hasText: `${txId} included` }).waitFor()
    },
    limitMs,
  )

  it(
    'whose browser crashes tells, once it is open again, that what was under way is included',
    async () => {
      const popup = context.pages().at(-1)!
      const txId = await send(popup)
      const closed = new Promise((resolve) => context.once('close', resolve))
      const session = await context.browser()!.newBrowserCDPSession()
      session.send('Browser.crash').catch(() => undefined)
      await closed

      await untilPooled(stack.anvil)
      await stack.anvil.mine()
      const again = await openBrowser()
      await until(async () => (await told(again, txId))?.stage === 'included')
      expect(await told(again, txId)).toEqual({ stage: 'included', ok: true })
    },
    limitMs,
  )
})
