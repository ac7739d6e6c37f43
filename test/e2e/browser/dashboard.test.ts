import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import type { VeilcastClient } from '@veilcast/client'
import { type Anvil, startAnvil } from '@veilcast/devnet'
import { createLoopback } from '@veilcast/shared/mixnet/loopback'
import type { Page } from 'playwright-core'
import { hashPassword } from '../../../broadcaster/dist/dashboard/auth/passwordHash.js'
import { startBrowser, type TestBrowser } from '../../support/browser.ts'
import { describeInChromium } from '../../support/chromium.ts'
import { signEthTransfer } from '../../support/devnetSign.ts'
import {
  anvilSetup,
  embeddedStore,
  makeFolder,
  startTestBroadcaster,
  startTestClient,
  type TestBroadcaster,
} from '../../support/path.ts'
import { until } from '../../support/until.ts'

const limitMs = 120_000
const password = 'a horse with a battery'

describeInChromium('the dashboard', () => {
  let folder: Awaited<ReturnType<typeof makeFolder>>
  let anvil: Anvil
  let broadcaster: TestBroadcaster
  let client: VeilcastClient
  let browser: TestBrowser
  let sent = 0

  beforeAll(async () => {
    folder = await makeFolder()
    anvil = await startAnvil({ blockTimeMs: 500 })
    const loopback = createLoopback({ seed: 7 })
    broadcaster = await startTestBroadcaster({
      listener: loopback.listener(),
      store: embeddedStore(folder.path),
      chains: [anvilSetup(anvil, anvil.rpcUrl, { finality: { rule: 'confirmations', confirmations: 2 } })],
      http: { host: '127.0.0.1', port: 0, auth: { passwordHash: await hashPassword(password) } },
    })
    client = await startTestClient(loopback.dialer(), [broadcaster.address()])
    browser = await startBrowser()
  }, limitMs)
  afterAll(async () => {
    await browser?.close()
    await client?.stop()
    await broadcaster?.stop()
    await anvil?.stop()
    await folder?.remove()
  }, limitMs)

  async function send(): Promise<void> {
    const signedTx = await signEthTransfer(anvil, {
      from: anvil.accounts[sent++ % anvil.accounts.length]!,
      to: `0x${'22'.repeat(20)}`,
      valueWei: 1n,
    })
    await client.submit({ chain: anvil.chainId, signedTx, until: 'included' })
  }
  const headline = (page: Page, text: RegExp | string) =>
    page.locator('#verdict strong', { hasText: text }).waitFor({ timeout: 60_000 })
  const picture = async (page: Page, name: string) => {
    const { VEILCAST_PICTURES } = process.env
    if (VEILCAST_PICTURES) {
      await page.screenshot({ path: join(VEILCAST_PICTURES, `${name}.png`), fullPage: true })
    }
  }
  /** Each text of the page whose contrast with what is behind it is less than WCAG asks for (AA). */
  const tooFaint = (page: Page) => page.evaluate(findFaint)

  it(
    'says at once that all is well, and goes on by itself as transactions come',
    async () => {
      const { page, record } = await browser.open({ viewport: { width: 1280, height: 900 } })
      await page.goto(broadcaster.httpUrl())
      await headline(page, 'All is well')
      expect(await page.title()).toContain('All is well')
      const reached = page.locator('.figure', { hasText: 'Reached an endpoint' }).locator('dd').first()
      const before = await reached.textContent()
      for (let count = 0; count < 4; count++) await send()
      // Not one reload: the broadcaster pushes it.
      await page.waitForFunction(
        (was) =>
          [...document.querySelectorAll('.figure')].some(
            (figure) =>
              figure.textContent?.includes('Reached an endpoint') &&
              figure.querySelector('dd')?.textContent !== was,
          ),
        before,
        { timeout: 60_000 },
      )
      await page.locator('#stages', { hasText: 'In a block' }).waitFor()
      await page.locator('.chart .plot canvas').nth(3).waitFor({ timeout: 60_000 })
      const charted = await page.locator('.chart .plot').first().getAttribute('aria-label')
      expect(charted).toContain(anvil.chainId)
      expect(await page.locator('#freshness').textContent()).toBe('live')
      await picture(page, 'dashboard-test')
      expect([...record.origins]).toEqual([broadcaster.httpUrl()])
      expect(record.violations).toEqual([])
      expect(record.errors).toEqual([])
      await page.context().close()
    },
    limitMs,
  )

  it.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 390],
    ['dark', 390],
  ] as const)(
    'can be read in %s at %i pixels',
    async (colorScheme, width) => {
      const { page, record } = await browser.open({ viewport: { width, height: 900 }, colorScheme })
      await page.goto(broadcaster.httpUrl())
      await headline(page, 'All is well')
      await page.locator('.chart .plot canvas').nth(3).waitFor({ timeout: 60_000 })
      expect(await tooFaint(page)).toEqual([])
      expect(
        await page.evaluate(() => document.documentElement.scrollWidth - innerWidth),
      ).toBeLessThanOrEqual(0)
      // Every table's columns have names, and every control has one.
      const unnamed = await page.evaluate(
        () =>
          [...document.querySelectorAll('table')].filter((table) => !table.querySelector('caption, thead th'))
            .length,
      )
      expect(unnamed).toBe(0)
      await page.getByLabel('Stages of').selectOption(anvil.chainId)
      await page.locator('.spans').getByText('Day').click()
      expect(await page.getByLabel('Day').isChecked()).toBe(true)
      await page.locator('.spans').getByText('Hour').click()
      await picture(page, `dashboard-test-${colorScheme}-${width}`)
      expect(record.errors).toEqual([])
      await page.context().close()
    },
    limitMs,
  )

  it(
    'lets those in that know the password, who pause and resume queues, and shows that they did',
    async () => {
      const { page, record } = await browser.open({ viewport: { width: 1280, height: 900 } })
      await page.goto(broadcaster.httpUrl())
      await page.getByRole('link', { name: 'Manage' }).click()
      await page.getByLabel('Password').fill('a horse without one')
      await page.getByRole('button', { name: 'Log in' }).click()
      await page.getByText('That is not the password.').waitFor()
      await picture(page, 'dashboard-test-login')
      // A wrong one is 401, which the browser's console calls an error.
      record.errors.splice(0)
      await page.getByLabel('Password').fill(password)
      await page.getByRole('button', { name: 'Log in' }).click()
      await page.waitForURL(/queues.manage/)
      await page.goto(`${broadcaster.httpUrl()}/queues/manage/queue/submit`)
      const queue = broadcaster.store.queues.queue('submit')
      const choose = async (name: string) => {
        await page.locator('main button, header ~ * button').last().click()
        await page.getByRole('menuitem', { name }).click()
        await page.getByRole('button', { name: 'Confirm' }).click()
      }
      await choose('Pause')
      await until(() => queue.isPaused())
      await page.goto(broadcaster.httpUrl())
      await headline(page, 'A queue is paused: submit')
      await picture(page, 'dashboard-test-paused')
      await page.goto(`${broadcaster.httpUrl()}/queues/manage/queue/submit`)
      await choose('Resume')
      await until(async () => !(await queue.isPaused()))
      await page.goto(`${broadcaster.httpUrl()}/audit`)
      await page.getByRole('row', { name: /resume submit done/ }).waitFor()
      await page.getByRole('row', { name: /pause submit done/ }).waitFor()
      await picture(page, 'dashboard-test-audit')
      // The one thing that bull-board wants from elsewhere is a font, and the policy stops it.
      const fonts = 'https://fonts.googleapis.com'
      const stopped = record.violations.filter((text) => text.startsWith(`style-src-elem ${fonts}`))
      expect(record.violations).toEqual(stopped)
      expect(stopped.length > 0).toBe(record.origins.delete(fonts))
      expect([...record.origins]).toEqual([broadcaster.httpUrl()])
      await page.getByRole('button', { name: 'Log out' }).click()
      await page.goto(`${broadcaster.httpUrl()}/queues/manage`)
      await page.getByLabel('Password').waitFor()
      await page.context().close()
    },
    limitMs,
  )

  it(
    'says what is wrong while one looks, and that it is old when nothing comes any more',
    async () => {
      const { page } = await browser.open({ viewport: { width: 1280, height: 900 }, colorScheme: 'dark' })
      await page.goto(broadcaster.httpUrl())
      await headline(page, 'All is well')
      await anvil.stop()
      await headline(page, `No endpoint of the chain is live: ${anvil.chainId}`)
      expect(await page.title()).toContain('No endpoint of the chain is live')
      await page.locator('.trouble', { hasText: 'anvil unreachable' }).waitFor()
      await page.locator('#chains', { hasText: '0 of 1 endpoint live' }).waitFor()
      await picture(page, 'dashboard-test-trouble')
      await page.getByRole('link', { name: 'What this is, and what to do' }).first().click()
      await page.getByRole('heading', { name: 'No endpoint of the chain is live' }).waitFor()
      await page.goBack()
      await headline(page, 'No endpoint of the chain is live')
      await broadcaster.stop()
      await page.locator('#stale', { hasText: 'Not live' }).waitFor({ timeout: 60_000 })
      expect(await page.locator('#freshness').textContent()).toMatch(/^as of /)
      await picture(page, 'dashboard-test-stale')
      await page.context().close()
    },
    limitMs,
  )
})

/** In the page: texts that stand out less from what is behind them than WCAG's AA asks for. */
function findFaint(): string[] {
  type Colour = [red: number, green: number, blue: number, alpha: number]
  const parse = (text: string): Colour => {
    const [red = 0, green = 0, blue = 0, alpha = 1] = (text.match(/[\d.]+/g) ?? []).map(Number)
    return [red, green, blue, alpha]
  }
  const over = (top: Colour, under: Colour): Colour => {
    const mix = (at: 0 | 1 | 2): number => top[at] * top[3] + under[at] * (1 - top[3])
    return [mix(0), mix(1), mix(2), 1]
  }
  const light = (colour: Colour): number => {
    const [red, green, blue] = colour
      .slice(0, 3)
      .map((part) => part / 255)
      .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)) as [
      number,
      number,
      number,
    ]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  const behind = (element: Element): Colour => {
    const own = parse(getComputedStyle(element).backgroundColor)
    if (own[3] === 1) return own
    const { parentElement } = element
    return over(own, parentElement ? behind(parentElement) : [255, 255, 255, 1])
  }
  const faint: string[] = []
  for (const element of document.querySelectorAll('body *')) {
    const text = [...element.childNodes]
      .filter((node) => node.nodeType === Node.TEXT_NODE)
      .map((node) => node.textContent?.trim() ?? '')
      .join('')
    if (text === '' || element.closest('svg, option, noscript, script') || !element.getClientRects().length)
      continue
    const style = getComputedStyle(element)
    const ground = behind(element)
    const [a, b] = [light(over(parse(style.color), ground)), light(ground)].sort((one, other) => other - one)
    const ratio = ((a ?? 0) + 0.05) / ((b ?? 0) + 0.05)
    const isLarge = Number.parseFloat(style.fontSize) >= 24
    if (ratio < (isLarge ? 3 : 4.5)) faint.push(`${text.slice(0, 40)}: ${ratio.toFixed(2)}`)
  }
  return faint
}
