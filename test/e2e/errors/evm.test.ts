import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { VeilcastClient } from '@veilcast/client'
import { type Anvil, startAnvil } from '@veilcast/devnet'
import { createLoopback } from '@veilcast/shared/mixnet/loopback'
import { parseChainId } from '@veilcast/shared/protocol'
import { hexToBytes } from 'viem'
import { signEthTransfer } from '../../support/devnetSign.ts'
import { type FaultyEndpoint, startFaultyEndpoint } from '../../support/faultyEndpoint.ts'
import {
  anvilSetup,
  embeddedStore,
  makeFolder,
  startTestBroadcaster,
  startTestClient,
  type TestBroadcaster,
} from '../../support/path.ts'
import { until } from '../../support/until.ts'
import { playRows } from './errorRow.ts'
import { blobless, type EvmScene, evmRows, large, poor, poorTransfer, reverting } from './evm.rows.ts'

describe('an EVM chain', () => {
  let anvil: Anvil
  let endpoint: FaultyEndpoint
  let broadcaster: TestBroadcaster
  let client: VeilcastClient
  let folder: Awaited<ReturnType<typeof makeFolder>>
  let scene: EvmScene

  beforeAll(async () => {
    const loopback = createLoopback({ seed: 22 })
    folder = await makeFolder()
    anvil = await startAnvil()
    for (const { at, code } of [reverting, large]) await anvil.rpc('anvil_setCode', [at, code])
    endpoint = await startFaultyEndpoint(anvil.rpcUrl)
    const setup = { finality: { rule: 'instant' } }
    broadcaster = await startTestBroadcaster({
      listener: loopback.listener(),
      store: embeddedStore(folder.path),
      chains: [
        anvilSetup(anvil, endpoint.url, { ...setup, allowBlobs: true, maxLogsRangeBlocks: 1 }),
        { ...anvilSetup(anvil, endpoint.url, setup), chain: blobless },
      ],
    })
    client = await startTestClient(loopback.dialer(), [broadcaster.address()])
    const submitted: Uint8Array[] = []
    scene = {
      anvil,
      client,
      endpoint,
      submitted,
      submit(signedTx, more) {
        submitted.push(typeof signedTx === 'string' ? hexToBytes(signedTx) : signedTx)
        return client.submit({ chain: anvil.chainId, signedTx, ...more }, { timeoutMs: 20_000 })
      },
      async serves() {
        const chain = parseChainId(anvil.chainId)
        await until(async () => (await client.info()).chains.some((one) => one.chain === chain && one.live))
        const [from, to] = [anvil.accounts[9]!, anvil.accounts[8]!.address]
        const signedTx = await signEthTransfer(anvil, { from, to, valueWei: 1n })
        const receipt = await client.submit({ chain, signedTx }, { timeoutMs: 20_000 })
        expect(receipt.ok).toBe(true)
      },
    }
  }, 120_000)

  afterAll(async () => {
    await client?.stop()
    await broadcaster?.stop()
    await endpoint?.stop()
    await anvil?.stop()
    await folder?.remove()
  }, 60_000)

  playRows(evmRows, () => scene)

  it('a nonce that this very transaction used is success', async () => {
    const [from, to] = [anvil.accounts[3]!, anvil.accounts[8]!.address]
    const signedTx = await signEthTransfer(anvil, { from, to, valueWei: 1n })
    const hash = await anvil.rpc('eth_sendRawTransaction', [signedTx])
    expect(await scene.submit(signedTx)).toMatchObject({ txId: hash, stage: expect.any(String), ok: true })
    expect(endpoint.had(hexToBytes(signedTx))).toBe(false)
  })

  it('what was refused for want of funds goes through once there are some', async () => {
    const signedTx = await poorTransfer()
    await expect(scene.submit(signedTx)).rejects.toMatchObject({ errorName: 'insufficientFunds' })
    await anvil.rpc('anvil_setBalance', [poor.address, '0xde0b6b3a7640000'])
    expect(await scene.submit(signedTx)).toMatchObject({ ok: true })
  })
})
