import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { type Localnet, startLocalnet, startWasmClient, type WasmClient } from '@veilcast/localnet'
import { parseAddress } from '@veilcast/shared/mixnet'
import { createNymWasmDialer, createNymWasmListener } from '@veilcast/shared/mixnet/nym-wasm'
import { describeMixnetContract } from '../../contract/mixnet.ts'
import { createStopper, readFrom } from '../../support/mixnetReader.ts'
import { until } from '../../support/until.ts'

let localnet: Localnet
let folder: string
let files = 0

const remember = createStopper()
afterEach(remember.stopAll)
beforeAll(async () => {
  localnet = await startLocalnet({ seed: 1 })
  folder = await mkdtemp(join(tmpdir(), 'veilcast-nym-wasm-'))
})
afterAll(async () => {
  await localnet?.stop()
  await rm(folder, { recursive: true, force: true })
})

/** No cover and no waiting: what a test wants, and nobody else. */
const quick = () => ({
  nymApiUrl: localnet.nymApiUrl,
  disableCoverTraffic: true,
  disablePacing: true,
  averagePacketDelayMs: 1,
  pingIntervalMs: 300,
  lostAfterMs: 20_000,
  minBackoffMs: 20,
  maxBackoffMs: 200,
})
const newFile = () => join(folder, `identity-${files++}`)

describeMixnetContract('nymWasm', async () => ({
  dialer: createNymWasmDialer(quick()),
  listener: createNymWasmListener({ ...quick(), identityFile: newFile() }),
}))

describe('nymWasm', () => {
  it('default: a listener is ready after a round trip, and goes on to make them', async () => {
    const listener = remember(createNymWasmListener(quick()))
    expect(listener.lastRoundTrip()).toBeUndefined()
    await listener.start()
    const first = listener.lastRoundTrip()
    expect(first?.tookMs).toBeGreaterThan(0)
    await until(() => listener.lastRoundTrip()?.atMs !== first?.atMs)
    await listener.stop()
  })

  it('default: full cover and pacing', async () => {
    const { nymApiUrl } = localnet
    const dialer = remember(createNymWasmDialer({ nymApiUrl }))
    await dialer.start()
    const uploaded = () =>
      Math.max(...Object.values(localnet.counters().clients).map(({ loopPacketsUp }) => loopPacketsUp))
    localnet.resetCounters()
    await until(() => uploaded() >= 50)
    await dialer.stop()
  })

  it('behavior: a cut gateway socket costs a listener nothing but time', async () => {
    const listener = remember(createNymWasmListener(quick()))
    const dialer = remember(createNymWasmDialer(quick()))
    await Promise.all([listener.start(), dialer.start()])
    const to = listener.address()
    const [requests, replies] = [readFrom(listener.requests()), readFrom(dialer.replies())]
    localnet.faults.cutGatewaySockets(to)
    await until(() => !listener.connected())
    await dialer.send(to, Uint8Array.of(1), 1)
    const { payload, replyTo } = await requests.next()
    expect([...payload]).toEqual([1])
    expect(listener.address()).toBe(to)
    await until(() => listener.connected())
    await listener.reply(replyTo!, Uint8Array.of(2))
    expect([...(await replies.next())]).toEqual([2])
    await Promise.all([listener.stop(), dialer.stop()])
  })

  it('behavior: a dialer comes back when its gateway does, says so, and sends what waited', async () => {
    const listener = remember(createNymWasmListener(quick()))
    const dialer = remember(createNymWasmDialer(quick()))
    await Promise.all([listener.start(), dialer.start()])
    const [requests, replies] = [readFrom(listener.requests()), readFrom(dialer.replies())]
    await dialer.send(listener.address(), Uint8Array.of(1), 1)
    const before = await requests.next()

    const restarted = new Promise<void>((resolve) => dialer.onRestart(resolve))
    localnet.faults.gatewayAway()
    await until(() => !listener.connected())
    await expect(listener.reply(before.replyTo!, Uint8Array.of(1))).rejects.toMatchObject({
      kind: 'unreachable',
    })
    const waiting = dialer.send(listener.address(), Uint8Array.of(2), 1)
    const gone = new AbortController()
    const abandoned = dialer.send(listener.address(), Uint8Array.of(3), 1, { signal: gone.signal })
    gone.abort(new Error('too late'))
    await expect(abandoned).rejects.toThrow('too late')
    localnet.faults.gatewayBack()
    await Promise.all([restarted, waiting])

    const after = await requests.next()
    expect([...after.payload]).toEqual([2])
    expect(after.replyTo).not.toBe(before.replyTo)
    await until(() => listener.connected())
    await listener.reply(after.replyTo!, Uint8Array.of(22))
    expect([...(await replies.next())]).toEqual([22])
    await Promise.all([listener.stop(), dialer.stop()])
  }, 60_000)

  it('behavior: a gateway that carries nothing any more is noticed by silence', async () => {
    const impatient = { ...quick(), lostAfterMs: 2_000, connectTimeoutMs: 10_000 }
    const listener = remember(createNymWasmListener(impatient))
    const dialer = remember(createNymWasmDialer(impatient))
    await Promise.all([listener.start(), dialer.start()])
    const to = listener.address()
    const restarted = new Promise<void>((resolve) => dialer.onRestart(resolve))
    localnet.faults.setLossPerHop(1)
    await restarted
    await until(() => !listener.connected())
    localnet.faults.setLossPerHop(0)
    await until(() => listener.connected())
    expect(listener.address()).toBe(to)
  }, 60_000)

  it('behavior: an identity outlives kill -9, and what was sent meanwhile arrives', async () => {
    const identityFile = newFile()
    const program = `
      import { createNymWasmListener } from '@veilcast/shared/mixnet/nym-wasm'
      const listener = createNymWasmListener(${JSON.stringify({ ...quick(), identityFile })})
      await listener.start()
      console.log(listener.address())
    `
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    const address = line.toString().trim()
    expect((await stat(identityFile)).mode & 0o777).toBe(0o600)

    const listener = remember(createNymWasmListener({ ...quick(), identityFile }))
    await expect(listener.start()).rejects.toMatchObject({ kind: 'unreachable' })
    child.kill('SIGKILL')
    await once(child, 'exit')
    const dialer = remember(createNymWasmDialer(quick()))
    await dialer.start()
    await dialer.send(address as never, Uint8Array.of(42), 1)

    await listener.start()
    expect(listener.address()).toBe(address)
    const [requests, replies] = [readFrom(listener.requests()), readFrom(dialer.replies())]
    const { payload, replyTo } = await requests.next()
    expect([...payload]).toEqual([42])
    await listener.reply(replyTo!, Uint8Array.of(43))
    expect([...(await replies.next())]).toEqual([43])
    await Promise.all([listener.stop(), dialer.stop()])
    await expect(readFile(`${identityFile}.lock`)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('behavior: a damaged identity is not replaced by another', async () => {
    const identityFile = newFile()
    await writeFile(identityFile, 'not an identity')
    const listener = remember(createNymWasmListener({ ...quick(), identityFile }))
    await expect(listener.start()).rejects.toMatchObject({ kind: 'unsealed' })
    expect(await readFile(identityFile, 'utf8')).toBe('not an identity')
  })

  it('behavior: says where it cannot reach, and can be stopped while it tries', async () => {
    const dialer = remember(createNymWasmDialer({ ...quick(), nymApiUrl: 'http://127.0.0.1:9/api' }))
    await expect(dialer.start()).rejects.toMatchObject({ kind: 'unreachable' })
    const starting = remember(createNymWasmDialer(quick()))
    const started = starting.start()
    await Promise.all([expect(started).rejects.toMatchObject({ kind: 'stopped' }), starting.stop()])
  })

  it('behavior: a service that asks a wallet for more SURBs gets none', async () => {
    localnet.resetCounters()
    const heard: Uint8Array[] = []
    let service: WasmClient | undefined
    service = await startWasmClient({
      ...quick(),
      preferredGateway: localnet.preferredGateway,
      cover: false,
      pacing: false,
      minimumReplySurbStorageThreshold: 10,
      onMessage({ payload, senderTag }) {
        heard.push(payload)
        if (senderTag) void service?.reply(senderTag, Uint8Array.of(1))
      },
    })
    const wallet = remember(createNymWasmDialer(quick()))
    await wallet.start()
    const walletCounters = () => {
      const [other] = Object.entries(localnet.counters().clients).filter(
        ([id]) => !service?.address.startsWith(id),
      )
      return other![1]
    }
    await wallet.send(parseAddress(service.address), Uint8Array.of(1), 1)
    // The service has too few SURBs to answer: what comes on this one asks for more.
    await until(() => walletCounters().dataPacketsPushed > 0)
    await wallet.send(parseAddress(service.address), Uint8Array.of(2), 0)
    await until(() => heard.length >= 2)
    expect(walletCounters().dataPacketsUp).toBe(2)
    await Promise.all([wallet.stop(), service.stop()])
  })

  it('behavior: refuses more than its pace lets out', async () => {
    const dialer = remember(
      createNymWasmDialer({
        ...quick(),
        disablePacing: false,
        coverTraffic: 'light',
        maxBacklogMs: 1_000,
      }),
    )
    const listener = remember(createNymWasmListener(quick()))
    await Promise.all([dialer.start(), listener.start()])
    await dialer.send(listener.address(), new Uint8Array(20_000), 0)
    await expect(dialer.send(listener.address(), Uint8Array.of(1), 0)).rejects.toMatchObject({
      kind: 'overloaded',
    })
    await Promise.all([dialer.stop(), listener.stop()])
  })

  it('behavior: its process ends by itself after stop', async () => {
    const program = `
      import { createNymWasmDialer, createNymWasmListener } from '@veilcast/shared/mixnet/nym-wasm'
      const options = ${JSON.stringify(quick())}
      const dialer = createNymWasmDialer(options)
      const listener = createNymWasmListener(options)
      await Promise.all([dialer.start(), listener.start()])
      await Promise.all([dialer.stop(), listener.stop()])
      console.log('stopped')
    `
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let said = ''
    child.stdout.on('data', (data) => {
      said += data
    })
    expect(await once(child, 'exit')).toEqual([0, null])
    expect(said).toBe('stopped\n')
  })
})
