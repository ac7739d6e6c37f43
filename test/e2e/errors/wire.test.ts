import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type ClientOptions, createClient, type VeilcastClient } from '@veilcast/client'
import { type Anvil, startAnvil } from '@veilcast/devnet'
import { findVeilcastError, VeilcastError } from '@veilcast/shared/errors'
import { createLoopback } from '@veilcast/shared/mixnet/loopback'
import { decodeRequest, encodeRequest, newRequestId, parseChainId } from '@veilcast/shared/protocol'
import * as fc from 'fast-check'
import { hexToBytes } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { openPostgresStore } from '../../../broadcaster/dist/store/index.js'
import { captureLogs } from '../../support/captureLogs.ts'
import { signEthTransfer } from '../../support/devnetSign.ts'
import { type FaultyEndpoint, startFaultyEndpoint } from '../../support/faultyEndpoint.ts'
import {
  anvilSetup,
  startTestBroadcaster,
  startTestClient,
  type TestBroadcaster,
} from '../../support/path.ts'
import { type RawDialer, startRawDialer } from '../../support/rawDialer.ts'
import { type StoreServer, startPostgres } from '../../support/store.ts'
import { startTcpGate, type TcpGate } from '../../support/tcpGate.ts'
import { until } from '../../support/until.ts'
import { playRows } from './errorRow.ts'
import { type LocalScene, localRows } from './local.rows.ts'
import { buggyChain, limits, type WireScene, wireRows, withoutLimit } from './wire.rows.ts'

describe('what comes in', () => {
  const loopback = createLoopback({ seed: 21 })
  const logs = captureLogs()
  let anvil: Anvil
  let endpoint: FaultyEndpoint
  let server: StoreServer & { readonly url: string }
  let store: TcpGate
  let broadcaster: TestBroadcaster
  let client: VeilcastClient
  let raw: RawDialer
  let scene: WireScene & LocalScene

  beforeAll(async () => {
    server = await startPostgres()
    const socket = new URL(server.url).searchParams.get('host')!
    store = await startTcpGate(`${socket}/.s.PGSQL.5432`)
    anvil = await startAnvil()
    endpoint = await startFaultyEndpoint(anvil.rpcUrl)
    const gated = new URL(server.url)
    gated.search = ''
    gated.host = `127.0.0.1:${store.port}`
    broadcaster = await startTestBroadcaster({
      listener: withoutLimit(loopback.listener()),
      store: openPostgresStore({ url: gated.href }),
      chains: [
        anvilSetup(anvil, endpoint.url, { finality: { rule: 'instant' }, requestTimeoutMs: 1_000 }),
        { ...anvilSetup(anvil), chain: buggyChain },
      ],
      limits,
      wrap: (adapter) =>
        adapter.chain === buggyChain ? { ...adapter, inspect: () => JSON.parse('') } : adapter,
      logger: logs.logger,
    })
    client = await startTestClient(loopback.dialer(), [broadcaster.address()])
    raw = await startRawDialer(loopback.dialer(), broadcaster.address())
    const submitted: Uint8Array[] = []
    const silent = loopback.listener('silent')
    await silent.start()

    scene = {
      anvil,
      endpoint,
      raw,
      store,
      client,
      submitted,
      loopback,
      silent,
      submit(signedTx, { timeoutMs = 10_000, ...more } = {}) {
        submitted.push(hexToBytes(signedTx))
        return client.submit({ chain: anvil.chainId, signedTx, ...more }, { timeoutMs })
      },
      async withClient(options: Partial<ClientOptions>, ask) {
        const another = createClient({
          mixnet: loopback.dialer(),
          broadcasters: [broadcaster.address()],
          ...options,
        })
        await another.start()
        try {
          return await ask(another)
        } finally {
          await another.stop()
        }
      },
      async serves() {
        const chain = parseChainId(anvil.chainId)
        await until(async () => (await broadcaster.store.records.countLive(chain)) === 0)
        await until(async () => (await client.info()).chains.some((one) => one.chain === chain && one.live))
        const [from, to] = [anvil.accounts[9]!, anvil.accounts[8]!.address]
        const signedTx = await signEthTransfer(anvil, { from, to, valueWei: 1n })
        // How many wait is counted once in a while: just after a full backlog there may be room that it does not know of.
        await until(async () => {
          const submitting = client.submit({ chain: anvil.chainId, signedTx }, { timeoutMs: 20_000 })
          const ended = await submitting.catch((error: unknown) => findVeilcastError(error))
          if (ended instanceof VeilcastError && ended.errorName === 'backlogFull') return false
          expect(ended).toMatchObject({ ok: true })
          return true
        }, 200)
      },
    }
  }, 120_000)

  afterAll(async () => {
    await scene?.silent.stop()
    await client?.stop()
    await raw?.stop()
    await broadcaster?.stop()
    await store?.stop()
    await server?.stop()
    await endpoint?.stop()
    await anvil?.stop()
  }, 60_000)

  describe('a message that cannot be taken', () => playRows(wireRows, () => scene))
  describe('what a wallet does by itself', () => playRows(localRows, () => scene))

  it('random, cut and spoilt messages are answered within their credit or not at all, and nothing of them is logged', async () => {
    const poor = privateKeyToAccount(`0x${'17'.repeat(32)}`)
    const signedTx = hexToBytes(
      await poor.signTransaction({
        type: 'eip1559',
        chainId: 31337,
        nonce: 0,
        to: poor.address,
        value: 1n,
        gas: 21_000n,
        maxFeePerGas: 2_000_000_000n,
      }),
    )
    const good = fc.constantFrom(
      { kind: 'info' } as const,
      { kind: 'status', until: 'final', everyStage: true, submitId: newRequestId() } as const,
      {
        kind: 'submit',
        until: 'final',
        everyStage: true,
        notAfter: Math.floor(Date.now() / 1000) + 60,
        chain: parseChainId(anvil.chainId),
        signedTx,
      } as const,
    )
    const credit = fc.nat({ max: 3 })
    const whole = fc
      .tuple(good, credit)
      .map(([body, surbs]) => encodeRequest({ id: newRequestId(), surbs, body }))
    const message = fc.oneof(
      fc.uint8Array({ maxLength: 600 }),
      // A version and a credit that let it be answered, then noise.
      fc
        .tuple(fc.uint8Array({ minLength: 16, maxLength: 16 }), credit, fc.uint8Array({ maxLength: 600 }))
        .map(([id, surbs, rest]) => Uint8Array.of(1, ...id, surbs, ...rest)),
      fc.tuple(whole, fc.nat()).map(([bytes, cut]) => bytes.subarray(0, cut % bytes.length)),
      fc.tuple(whole, fc.nat(), fc.nat({ max: 255 })).map(([bytes, at, to]) => {
        const spoilt = bytes.slice()
        spoilt[at % bytes.length] = to
        return spoilt
      }),
    )
    const logged = logs.lines().length
    const messages = fc.sample(message, { numRuns: 600, seed: 21 })
    for (const bytes of messages) await raw.send(bytes, Math.min(bytes[17] ?? 0, 50) || 1)

    const heard = (bytes: Uint8Array) => raw.repliesTo(bytes.subarray(1, 17)).length
    const answerable = messages.filter((bytes) => bytes.length >= 19 && bytes[17]! > 0)
    expect(answerable.length).toBeGreaterThan(200)
    await until(() => answerable.every((bytes) => heard(bytes) > 0))
    await scene.serves()
    for (const bytes of messages) {
      const credit = bytes.length >= 19 ? bytes[17]! : 0
      expect(heard(bytes)).toBeLessThanOrEqual(isRequest(bytes) ? credit : Math.min(credit, 1))
    }
    const lines = logs.lines().slice(logged).join('')
    for (const bytes of messages) {
      for (const part of [bytes.subarray(1, 17), bytes.subarray(-16)].map((some) => Buffer.from(some))) {
        if (part.length < 16) continue
        for (const form of ['hex', 'base64'] as const) expect(lines).not.toContain(part.toString(form))
      }
    }
    expect(lines).not.toContain('"level":50')
  }, 60_000)
})

function isRequest(bytes: Uint8Array): boolean {
  try {
    return decodeRequest(bytes).id.length > 0
  } catch {
    return false
  }
}
