import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { findCosmosBinary } from '@veilcast/devnet'
import type { Locator, Page } from 'playwright-core'
import { mnemonicToAccount } from 'viem/accounts'
import { contentSecurityPolicy } from '../../../client/examples/wallet/contentSecurityPolicy.ts'
import type { PageRecord } from '../../support/browser.ts'
import { describeInChromium } from '../../support/chromium.ts'
import { cosmosOrSkip } from '../../support/devnetCosmos.ts'
import { type BuiltPage, startBuiltPage, writeWalletConfig } from '../../support/exampleWallet.ts'
import { makeFolder } from '../../support/path.ts'
import { endAll, root } from '../../support/processes.ts'
import { until } from '../../support/until.ts'
import { startWalletStack, type WalletStack } from '../../support/walletStack.ts'

const limitMs = 120_000
const hasCosmos = findCosmosBinary() !== undefined || process.env.VEILCAST_TEST_COSMOS === '1'
const passphrase = 'a horse with a battery'
/** Of nobody: an address of the right form, behind a gateway that knows no such client. */
const nobody = 'CytBseW6yFXUMzz4SGAKdNLGR7q3sJLLYxyBGvutNEQV.4QXYyEVc5fUDjmmi8PrHN9tdUFV4PCvSJE1278cHyvoe'

describeInChromium('the example wallet', () => {
  let stack: WalletStack
  let folder: Awaited<ReturnType<typeof makeFolder>>
  let built: BuiltPage
  let config: { nymApiUrl: string; gateway: string; broadcasters: string[]; chains: object[] }
  /** One phrase that has funds on both chains. */
  let phrase = 'test test test test test test test test test test test junk'
  const friend = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8'

  beforeAll(async () => {
    folder = await makeFolder()
    stack = await startWalletStack({ evm: { blockTimeMs: 1000 }, cosmos: hasCosmos })
    const { localnet, anvil } = stack
    config = {
      nymApiUrl: localnet.nymApiUrl,
      gateway: localnet.preferredGateway,
      broadcasters: [stack.broadcasterAddress],
      chains: [{ chain: anvil.chainId, name: 'Anvil', symbol: 'ETH', decimals: 18 }],
    }
    if (hasCosmos) {
      const { chainId, denom, bech32Prefix, gasPrice, accounts } = stack.cosmos
      phrase = accounts[0]!.mnemonic
      config.chains.push({
        chain: chainId,
        name: 'Devnet',
        symbol: 'STAKE',
        decimals: 6,
        denom,
        bech32Prefix,
        gasPrice: gasPrice.slice(0, -denom.length),
      })
    }
    const ether = `0x${(10n ** 22n).toString(16)}`
    await anvil.rpc('anvil_setBalance', [mnemonicToAccount(phrase).address, ether])
    const file = await writeWalletConfig(folder.path, { ...config, gatewayUrl: localnet.gatewayUrl })
    built = await startBuiltPage(join(root, 'client/examples/wallet'), folder.path, {
      VEILCAST_WALLET_CONFIG: file,
    })
  }, limitMs)
  afterAll(async () => {
    await built?.stop()
    await endAll()
    await stack?.stop()
    await folder?.remove()
  }, limitMs)

  const button = (page: Page, name: string | RegExp): Locator => page.getByRole('button', { name })
  const stage = (page: Page, name: string): Locator =>
    page.locator(`.transfer:first-child [data-stage=${name}].done`)
  const seen = (locator: Locator): Promise<void> => locator.first().waitFor({ timeout: 90_000 })

  const connected = (page: Page) => seen(page.locator('.pill.connected'))
  async function openAndConnect(page: Page): Promise<void> {
    await page.goto(built.url)
    await button(page, 'Connect').click()
    await connected(page)
  }
  async function importKey(page: Page, secret: string, keepUnder?: string): Promise<void> {
    await page.getByLabel('Import one').check()
    await page.getByLabel('Recovery phrase or private key').fill(secret)
    if (keepUnder !== undefined) {
      await page.getByLabel('Keep it in this browser').check()
      await page.getByLabel('Passphrase', { exact: true }).fill(keepUnder)
    }
    await button(page, 'Open').click()
  }
  async function fillIn(page: Page, to: string, amount: string): Promise<void> {
    await page.getByLabel('To', { exact: true }).fill(to)
    await page.getByLabel('Amount').fill(amount)
    await button(page, 'Review').click()
  }
  async function send(page: Page, to: string, amount: string): Promise<void> {
    await fillIn(page, to, amount)
    await button(page, 'Sign and send').click()
  }
  /** The SDK takes each message for one in its own envelope first, and tells its console that it is none. */
  const errorsOf = ({ errors }: PageRecord) =>
    errors.filter((text) => !text.startsWith('Failed to parse binary message'))
  const nonceOf = async () =>
    Number(await stack.anvil.rpc('eth_getTransactionCount', [mnemonicToAccount(phrase).address, 'pending']))
  const picture = async (page: Page, name: string) => {
    const { VEILCAST_PICTURES } = process.env
    if (VEILCAST_PICTURES) await page.screenshot({ path: join(VEILCAST_PICTURES, `${name}.png`) })
  }

  it(
    'sends, and shows each stage as it comes back, by way of nothing but the mixnet',
    async () => {
      const { page, record } = await built.open({ viewport: { width: 1180, height: 860 } })
      const response = await page.goto(built.url)
      const { nymApiUrl, gatewayUrl } = stack.localnet
      expect(await response!.headerValue('content-security-policy')).toBe(
        contentSecurityPolicy('header', { nymApiUrl, gatewayUrl }),
      )
      expect(await page.getAttribute('meta[http-equiv]', 'content')).toBe(
        contentSecurityPolicy('meta', { nymApiUrl, gatewayUrl }),
      )
      await button(page, 'Connect').click()
      await connected(page)
      await importKey(page, phrase)
      await seen(page.getByText('10\u00a0000', { exact: false }))
      await fillIn(page, friend, '1.25')
      await seen(button(page, 'Sign and send'))
      const review = await page.locator('.review').innerText()
      expect(review).toContain(friend)
      expect(review).toContain('1.25 ETH')
      expect(review).toMatch(/Fee, at most\s+0\.0000\d+ ETH/)
      expect(await nonceOf()).toBe(0)
      await picture(page, 'wallet-review')
      await button(page, 'Sign and send').click()
      for (const name of ['accepted', 'submitted', 'included', 'final']) await seen(stage(page, name))
      expect(await page.locator('.transfer').innerText()).toMatch(
        /Block \d+[\s\S]*\d packets? up with \d SURBs, \d repl/,
      )
      const friendHas = await stack.anvil.rpc<string>('eth_getBalance', [friend, 'latest'])
      expect(BigInt(friendHas)).toBe(10_001_250_000_000_000_000_000n)
      // Asked for again by itself, once the payment was in a block.
      await seen(page.getByText('9\u00a0998.7'))

      if (hasCosmos) {
        const { accounts, bech32Prefix } = stack.cosmos
        await page.getByRole('radio', { name: 'Devnet' }).check()
        await fillIn(page, `${accounts[1]!.address.slice(0, -1)}q`, '0.5')
        await seen(page.getByText('The checksum of this address does not fit'))
        await fillIn(page, friend, '0.5')
        await seen(page.getByText(`An address on Devnet begins with ${bech32Prefix}1.`))
        await send(page, accounts[1]!.address, '0.5')
        for (const name of ['included', 'final']) await seen(stage(page, name))
        await seen(page.getByText(/^As of/).nth(1))
        await picture(page, 'wallet-light')
        await page.emulateMedia({ colorScheme: 'dark' })
        await picture(page, 'wallet-dark')
        await page.setViewportSize({ width: 390, height: 844 })
        await page.emulateMedia({ colorScheme: 'light' })
        await picture(page, 'wallet-phone')
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390)
      }

      expect(errorsOf(record)).toEqual([])
      expect(record.violations).toEqual([])
      const own = new URL(built.url).origin
      expect([...record.origins].sort()).toEqual(
        [own, new URL(nymApiUrl).origin, new URL(gatewayUrl).origin].sort(),
      )
      const secrets = [friend, mnemonicToAccount(phrase).address, phrase.split(' ').slice(0, 3).join(' ')]
      for (const secret of secrets) {
        expect(record.said.join('\n').toLowerCase()).not.toContain(secret.toLowerCase())
      }
      // The record would show it: the policy stops what the page has no business to ask.
      await page.evaluate(() => fetch('http://127.0.0.1:9/').catch(() => undefined))
      await until(() => record.violations.length > 0)
      // Once by the header, once by the page itself.
      expect(record.violations[0]).toContain('connect-src http://127.0.0.1:9')
      await page.context().close()
    },
    limitMs,
  )

  it(
    'says what is wrong with what was typed, and sends nothing',
    async () => {
      const before = await nonceOf()
      const { page, record } = await built.open()
      await openAndConnect(page)
      const wrongKeys = {
        'one two three': 'A recovery phrase has 12 or 24 words; this has 3.',
        [`${phrase.split(' ').slice(0, -1).join(' ')} zoo`]: 'A word is misspelt or out of order',
        '0x1234': 'A private key has 64 hex digits',
        [`0x${'0'.repeat(64)}`]: 'This number is no private key.',
        swordfish: 'This is neither a recovery phrase nor a private key in hex.',
      }
      for (const [secret, words] of Object.entries(wrongKeys)) {
        await importKey(page, secret)
        await seen(page.getByRole('alert').filter({ hasText: words }))
      }
      await importKey(page, phrase, 'short')
      await seen(page.getByRole('alert').filter({ hasText: 'Take at least 8 characters' }))
      await page.getByLabel('Keep it in this browser').uncheck()
      await importKey(page, phrase)
      await seen(page.getByText(/^As of/))

      const wrongPayments: [string, string, string][] = [
        ['', '1', 'Say to whom.'],
        [friend.replace('C8', 'c8'), '1', 'The checksum of this address does not fit'],
        [friend.slice(0, -1), '1', '0x and 40 hex digits'],
        [`0x${'0'.repeat(40)}`, '1', 'Nobody has the key of this address'],
        [friend, '', 'Say how much.'],
        [friend, '1,5', 'Write decimals with a point'],
        [friend, '0', 'Send more than nothing.'],
        [friend, '0.0000000000000000001', 'There are 18 decimals at most.'],
        [friend, '1000000', 'You have 9\u00a0998.7'],
      ]
      for (const [to, amount, words] of wrongPayments) {
        await fillIn(page, to, amount)
        await seen(page.getByRole('alert').filter({ hasText: words }))
      }
      expect(await page.locator('[aria-invalid]').evaluate((input) => input === document.activeElement)).toBe(
        true,
      )
      const hint = await page.locator('.field', { hasText: 'Amount' }).locator('.problem').innerText()
      await fillIn(page, friend, /You have ([\d.\u00a0]+) ETH/.exec(hint)![1]!.replaceAll('\u00a0', ''))
      await seen(page.getByRole('alert').filter({ hasText: 'this is more than you have' }))
      expect(await nonceOf()).toBe(before)
      expect(errorsOf(record)).toEqual([])
      await page.context().close()
    },
    limitMs,
  )

  it(
    'takes up after a reload what was under way, with the key locked and the list of payments torn',
    async () => {
      const { page, record } = await built.open()
      await openAndConnect(page)
      await importKey(page, phrase, passphrase)
      await seen(page.getByText(/^As of/))
      await stack.anvil.setBlockTime(0)
      await send(page, friend, '0.25')
      await seen(stage(page, 'submitted'))
      const kept = await page.evaluate(() => JSON.stringify(localStorage))
      for (const word of phrase.split(' ')) expect(kept).not.toContain(`${word} `)

      // It connects by itself: somebody waits for a word.
      await page.reload()
      await connected(page)
      await page.evaluate(() => localStorage.setItem('veilcast-wallet-transfers', '[{"id":'))
      await page.reload()
      await seen(page.getByText('could not be read; it was left out'))
      await button(page, 'Connect').click()
      await seen(page.getByText('An earlier payment'))
      await stack.anvil.setBlockTime(1000)
      await seen(stage(page, 'included'))
      await seen(stage(page, 'final'))

      await page.getByLabel('Passphrase', { exact: true }).fill('not this one')
      await button(page, 'Unlock').click()
      await seen(page.getByRole('alert').filter({ hasText: 'does not open the key' }))
      await page.getByLabel('Passphrase', { exact: true }).fill(passphrase)
      await button(page, 'Unlock').click()
      await seen(page.getByText('9\u00a0998.4'))
      expect(errorsOf(record)).toEqual([])
      expect(record.violations).toEqual([])
      await page.context().close()
    },
    limitMs,
  )

  it(
    'sends nothing that it could not find again, where the storage is full',
    async () => {
      const before = await nonceOf()
      const { page } = await built.open()
      await page.addInitScript(() => {
        const full = () => {
          throw new DOMException('full', 'QuotaExceededError')
        }
        Storage.prototype.setItem = full
        const { put } = IDBObjectStore.prototype
        IDBObjectStore.prototype.put = function (...given) {
          return this.name === 'entries' ? full() : put.apply(this, given)
        }
      })
      await openAndConnect(page)
      await importKey(page, phrase, passphrase)
      await seen(page.getByText('the key is in memory only'))
      await seen(page.getByText(/^As of/))
      await send(page, friend, '0.5')
      await seen(page.getByText('Not sent'))
      await seen(page.getByText('journal cannot be read or written'))
      await seen(page.getByText('it is safe to sign again'))
      expect(await nonceOf()).toBe(before)
      await page.context().close()
    },
    limitMs,
  )

  it(
    'names what is wrong with its config, and who is silent',
    async () => {
      const { page } = await built.open()
      const withConfig = (value: unknown) =>
        page.goto(`${built.url}?config=${encodeURIComponent(JSON.stringify(value))}`)
      await page.goto(`${built.url}?config={`)
      await seen(page.getByRole('alert').filter({ hasText: 'The config in the address is no JSON.' }))
      await withConfig({ ...config, broadcasters: ['me'] })
      await seen(page.getByRole('alert').filter({ hasText: 'broadcasters[0]: is not a Nym address' }))

      await page.clock.install()
      await withConfig({ ...config, broadcasters: [`${nobody}@${config.gateway}`] })
      await seen(page.getByText('Whoever made this link chose the broadcaster'))
      await button(page, 'Connect').click()
      await seen(page.locator('.steps .now', { hasText: 'Round trip' }))
      await page.clock.fastForward('00:31')
      await seen(page.getByText('The mixnet works, the broadcaster is silent'))
      await seen(page.getByText('Nothing was sent.'))
      await seen(button(page, 'Try again'))
      await page.context().close()
    },
    limitMs,
  )

  it(
    'says that a payment may still land when its broadcaster falls silent',
    async () => {
      const { page } = await built.open()
      await page.clock.install()
      await openAndConnect(page)
      await importKey(page, phrase)
      await seen(page.getByText(/^As of/))
      await fillIn(page, friend, '0.125')
      await seen(button(page, 'Sign and send'))
      await stack.broadcaster.stop()
      await button(page, 'Sign and send').click()
      await seen(page.getByText('On its way'))
      await seen(page.getByText(/packets? up/))
      await page.clock.fastForward('31:00')
      await seen(page.getByText('No answer came in time.'))
      await seen(page.getByText('May still land', { exact: true }))
      await seen(page.getByText('Ask again before you sign another one.'))
      await button(page, 'Ask again').click()
      await seen(page.getByText('On its way'))
      await page.context().close()
    },
    limitMs,
  )

  it(
    'asked its own origin, nym-api and the gateway in all of this, and nobody else, by the record of the browser',
    async () => {
      const { nymApiUrl, gatewayUrl } = stack.localnet
      const contacts = await built.contacts()
      expect([...contacts].sort()).toEqual(
        [built.url, nymApiUrl, gatewayUrl].map((url) => new URL(url).host).sort(),
      )
    },
    limitMs,
  )

  cosmosOrSkip('on a Cosmos chain', () => {
    it('was part of the first of these tests', () => expect(hasCosmos).toBe(true))
  })
})
