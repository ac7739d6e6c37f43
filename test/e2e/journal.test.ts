import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { keccak256 } from 'viem'
import { signEthTransfer } from '../support/devnetSign.ts'
import { makeFolder } from '../support/path.ts'
import { clientProgram, endAll, kill9, run } from '../support/processes.ts'
import { untilPooled } from '../support/untilPooled.ts'
import { startWalletStack, type WalletStack } from '../support/walletStack.ts'

const limitMs = 120_000

describe('a wallet with a journal, over the local Nym network', () => {
  let stack: WalletStack
  let folder: Awaited<ReturnType<typeof makeFolder>>
  let journal: string

  beforeAll(async () => {
    stack = await startWalletStack({ evm: {} })
    folder = await makeFolder()
    journal = join(folder.path, 'journal')
  }, limitMs)
  afterAll(async () => {
    await endAll()
    await stack?.stop()
    await folder?.remove()
  }, limitMs)

  const veilcast = (...args: string[]) =>
    run(process.execPath, [clientProgram, ...args], {
      env: {
        VEILCAST_NYM_API: stack.localnet.nymApiUrl,
        VEILCAST_GATEWAY: stack.localnet.preferredGateway,
        VEILCAST_BROADCASTER: stack.broadcasterAddress,
        VEILCAST_COVER: 'light',
        VEILCAST_JOURNAL: journal,
      },
    })
  it(
    'is killed once it is accepted: the next one tells that it is included',
    async () => {
      const { anvil } = stack
      await anvil.setAutomine(false)
      const [from, to] = [anvil.accounts[0]!, anvil.accounts[1]!.address]
      const signedTx = await signEthTransfer(anvil, { from, to, valueWei: 1n })
      const wallet = veilcast('submit', '--chain', anvil.chainId, '--tx', signedTx)
      await wallet.said(/accepted/)
      await kill9(wallet)
      expect(await readdir(journal)).toHaveLength(1)

      // Another process, and another Nym client: none of the first one's SURBs are any use to it.
      await untilPooled(anvil)
      await anvil.mine()
      const resumed = await veilcast('resume', '--json').ended
      expect(resumed.code).toBe(0)
      expect(JSON.parse(resumed.stdout)).toMatchObject([
        { txId: keccak256(signedTx), receipt: { stage: 'included', ok: true } },
      ])
      expect(await readdir(journal)).toEqual([])
    },
    limitMs,
  )
})
