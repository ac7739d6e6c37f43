import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { describeInChromium } from '../../support/chromium.ts'
import { type BuiltPage, startBuiltPage } from '../../support/exampleWallet.ts'
import { endAll, root } from '../../support/processes.ts'
import { writeGuide } from '../../support/readGuide.ts'
import { startWalletStack, type WalletStack } from '../../support/walletStack.ts'

const limitMs = 120_000

describeInChromium('docs/guides/react.md', () => {
  let stack: WalletStack
  let folder: string
  let built: BuiltPage

  beforeAll(async () => {
    await mkdir(join(root, '.veilcast'), { recursive: true })
    folder = await mkdtemp(join(root, '.veilcast/guide-'))
    stack = await startWalletStack({ evm: { blockTimeMs: 1000 } })
    await writeGuide('react.md', folder)
    built = await startBuiltPage(folder, folder, {
      VITE_NYM_API_URL: stack.localnet.nymApiUrl,
      VITE_BROADCASTER: stack.broadcasterAddress,
      VITE_GATEWAY: stack.localnet.preferredGateway,
    })
  }, limitMs)
  afterAll(async () => {
    await built?.stop()
    await endAll()
    await stack?.stop()
    await rm(folder, { recursive: true, force: true })
  }, limitMs)

  it(
    'sends over the mixnet, shows the stages, and takes up after a reload what was left',
    async () => {
      const { page, record } = await built.open()
      const { anvil, localnet } = stack
      const [from, to] = [anvil.accounts[0]!, anvil.accounts[1]!]
      const send = async (amount: string) => {
        await page.getByLabel('Test key').fill(from.privateKey)
        await page.getByLabel('To').fill(to.address)
        await page.getByLabel('Amount').fill(amount)
        await page.getByRole('button', { name: 'Send' }).click()
      }
      await page.goto(built.url)
      await page.getByText('Connecting to the mixnet').waitFor()
      await page.getByLabel('Test key').waitFor({ timeout: limitMs })
      await send('1')
      await page.getByText(/^Included: 0x[0-9a-f]{64}$/).waitFor({ timeout: limitMs })

      await send('100000')
      await page.getByRole('alert').waitFor({ timeout: limitMs })

      await anvil.setBlockTime(0)
      await send('2')
      await page.getByText(/^submitted, \d+ ms$/).waitFor({ timeout: limitMs })
      await page.reload()
      await page.getByLabel('Test key').waitFor({ timeout: limitMs })
      await anvil.setBlockTime(1000)
      await page.getByText(/^Of the last visit: 0x[0-9a-f]{64} is included\.$/).waitFor({ timeout: limitMs })

      expect(BigInt(await anvil.rpc<string>('eth_getBalance', [to.address, 'latest']))).toBe(
        10_003n * 10n ** 18n,
      )
      const allowed = [built.url, localnet.nymApiUrl, localnet.gatewayUrl].map((url) => new URL(url).origin)
      expect([...record.origins].sort()).toEqual(allowed.sort())
    },
    limitMs,
  )
})
