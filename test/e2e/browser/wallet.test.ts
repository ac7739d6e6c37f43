import { afterAll, beforeAll, expect, it } from '@jest/globals'
import {
  type Anvil,
  type CosmosChain,
  findCosmosBinary,
  startAnvil,
  startCosmosChain,
} from '@veilcast/devnet'
import { type Localnet, startLocalnet } from '@veilcast/localnet'
import { keccak256 } from 'viem'
import { openWallet, type Wallet } from '../../support/browserWallet.ts'
import { describeInChromium } from '../../support/chromium.ts'
import { cosmosOrSkip } from '../../support/devnetCosmos.ts'
import { signEthTransfer, signMsgSend } from '../../support/devnetSign.ts'
import { anvilSetup, cosmosSetup, makeFolder } from '../../support/path.ts'
import { type BroadcasterProcess, endAll, runBroadcaster, writeConfig } from '../../support/processes.ts'

const limitMs = 120_000

describeInChromium('a wallet in a page', () => {
  let localnet: Localnet
  let anvil: Anvil
  let cosmos: CosmosChain | undefined
  let folder: Awaited<ReturnType<typeof makeFolder>>
  let broadcaster: BroadcasterProcess
  let wallet: Wallet

  beforeAll(async () => {
    localnet = await startLocalnet()
    anvil = await startAnvil()
    if (findCosmosBinary() !== undefined) cosmos = await startCosmosChain()
    folder = await makeFolder()
    const chains = [anvilSetup(anvil), ...(cosmos ? [cosmosSetup(cosmos)] : [])]
    broadcaster = await runBroadcaster(await writeConfig(folder.path, localnet, chains))
    wallet = await openWallet(localnet)
  }, limitMs)
  afterAll(async () => {
    await wallet?.close()
    broadcaster?.child.kill('SIGTERM')
    await broadcaster?.ended
    await endAll()
    await cosmos?.stop()
    await anvil?.stop()
    await localnet?.stop()
    await folder?.remove()
  }, limitMs)

  /** Fills in the form, sends it, and reads what the page shows in the end. */
  async function send(
    signedTx: string,
    chain: string = anvil.chainId,
  ): Promise<{ stages: string[]; shown: Record<string, unknown> }> {
    const { page } = wallet
    await page.reload()
    const fields = {
      nymApiUrl: localnet.nymApiUrl,
      preferredGateway: localnet.preferredGateway,
      broadcaster: broadcaster.address,
      chain,
      signedTx,
    }
    for (const [name, value] of Object.entries(fields)) await page.fill(`input[name=${name}]`, value)
    await page.click('button')
    const output = page.locator('output:not(:empty)')
    await output.waitFor({ timeout: limitMs })
    return {
      stages: await page.locator('li').allTextContents(),
      shown: JSON.parse((await output.textContent())!) as Record<string, unknown>,
    }
  }

  const transfer = (valueWei: bigint) =>
    signEthTransfer(anvil, { from: anvil.accounts[0]!, to: anvil.accounts[1]!.address, valueWei, nonce: 0 })

  it(
    'shows the receipt of a transfer, and reaches nothing but the mixnet',
    async () => {
      const signedTx = await transfer(1n)
      const { stages, shown } = await send(signedTx)
      expect(shown).toMatchObject({ stage: 'included', ok: true, txId: keccak256(signedTx) })
      expect(stages).toEqual(expect.arrayContaining(['sending', 'accepted', 'included']))
      expect(await anvil.rpc('eth_getTransactionReceipt', [shown.txId])).toMatchObject({ status: '0x1' })

      const own = new URL(wallet.page.url()).origin
      const mixnet = [new URL(localnet.nymApiUrl).origin, new URL(localnet.gatewayUrl).origin]
      expect([...wallet.origins].sort()).toEqual([own, ...mixnet].sort())
    },
    limitMs,
  )

  cosmosOrSkip('on a Cosmos chain', () => {
    it(
      'shows the receipt of a MsgSend',
      async () => {
        const [from, to] = [cosmos!.accounts[0]!, cosmos!.accounts[1]!]
        const signedTx = await signMsgSend(cosmos!, { from, to: to.address, amount: 7 })
        const { shown } = await send(`0x${Buffer.from(signedTx).toString('hex')}`, cosmos!.chainId)
        // Each block of such a chain is final: it may be so when it is told.
        expect(shown).toMatchObject({ stage: expect.stringMatching(/^(included|final)$/), ok: true })
      },
      limitMs,
    )
  })

  it(
    'shows why another one with the same nonce is refused',
    async () => {
      expect((await send(await transfer(2n))).shown).toMatchObject({
        errorName: 'nonceUsed',
        outcome: 'notSent',
      })
    },
    limitMs,
  )
})
