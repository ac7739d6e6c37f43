import { hkdfSync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals'
import { base58, bech32 } from '@scure/base'
import { createVault, openStore, type StoreConfig } from '@veilcast/broadcaster'
import { createClient, type Receipt, VeilcastError } from '@veilcast/client'
import { createNymWasmDialer } from '@veilcast/client/nym-wasm'
import { type Anvil, type CosmosChain, startAnvil, startCosmosChain } from '@veilcast/devnet'
import { type Localnet, startLocalnet } from '@veilcast/localnet'
import type { MixnetAddress } from '@veilcast/shared/mixnet'
import { decodeRequest, encodeRequest, newRequestId, parseChainId } from '@veilcast/shared/protocol'
import { Redis } from 'ioredis'
import pg from 'pg'
import { getAddress, hexToBytes, keccak256, sha256, toHex } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { cosmosOrSkip } from '../../support/devnetCosmos.ts'
import { signEthTransfer, signMsgSend } from '../../support/devnetSign.ts'
import { type EchoingEndpoint, startEchoingEndpoint } from '../../support/echoingEndpoint.ts'
import {
  findSecrets,
  type Haystack,
  hexNeedle,
  type Needle,
  piecesOf,
  textNeedle,
} from '../../support/findSecrets.ts'
import { makeFolder } from '../../support/path.ts'
import {
  broadcasterProgram,
  endAll,
  kill9,
  processesWith,
  type Running,
  run,
  writeConfig,
} from '../../support/processes.ts'
import { redisServer, startRedis } from '../../support/store.ts'
import { until } from '../../support/until.ts'
import { untilPooled } from '../../support/untilPooled.ts'

const limitMs = 240_000
const timing = { firstRepeatMs: 2_000, laterRepeatMs: 2_000, maxRepeatMs: 4_000 }
/** Gives its calldata back as revert data: CALLDATACOPY all of it, REVERT. */
const tellTale = { address: `0x${'7e'.repeat(20)}` as const, code: '0x365f5f37365ffd' }

/** The store under test, and how it is seen by whoever has the machine it is on. */
interface StoreUnderTest {
  readonly config: object
  /** Nothing of these may turn up either. */
  secrets(dataDir: string): Promise<readonly string[]>
  /** As the broadcaster's own, to add jobs that fail. */
  asConfig(dataDir: string): Promise<StoreConfig>
  /** Makes it fail for a moment, in more than one way. */
  disturb(dataDir: string): Promise<void>
  /** Everything that lies on its disk and in its memory; the store is up. */
  dump(dataDir: string): Promise<Haystack[]>
  stop(): Promise<void>
}

cosmosOrSkip('a full run', () => {
  let localnet: Localnet
  let anvil: Anvil
  let cosmos: CosmosChain
  beforeAll(async () => {
    ;[localnet, anvil, cosmos] = await Promise.all([startLocalnet(), startAnvil(), startCosmosChain()])
    await anvil.rpc('anvil_setCode', [tellTale.address, tellTale.code])
  }, limitMs)
  afterAll(async () => {
    await Promise.all([localnet?.stop(), anvil?.stop(), cosmos?.stop()])
  }, limitMs)
  afterEach(endAll)

  const stores: [string, () => Promise<StoreUnderTest>][] = [['embedded Postgres', embedded]]
  if (redisServer !== undefined) stores.push(['Redis', redis])

  it.each(stores)(
    'over %s: no log, page, job, error or dump says who sent what',
    async (_, startStore) => {
      const closing: (() => Promise<unknown>)[] = []
      const folder = await makeFolder()
      const store = await startStore()
      const endpoints = {
        evm: await startEchoingEndpoint(anvil.rpcUrl),
        cosmos: await startEchoingEndpoint(cosmos.rpcUrl),
      }
      try {
        const story = await tellStory(folder.path, store, endpoints, { localnet, anvil, cosmos, closing })
        const { needles, words, pages, dump, errors, endpointNeedles } = story

        // What would be found is there: what happened left its traces, under names that say nothing.
        const text = (list: readonly Haystack[]): string =>
          list.map(({ bytes }) => Buffer.from(bytes).toString('latin1')).join()
        expect(text(words)).toMatch(/handed over/)
        expect(text(words)).toMatch(/a job failed/)
        expect(text(words)).toMatch(/StoreError/)
        expect(text(pages)).toContain('veilcast_failed_jobs_total{queue="submit"}')
        expect(text(pages)).toContain('The job')
        for (const key of story.keys) expect(text(dump)).toContain(key)
        expect(errors.length).toBeGreaterThan(3)
        const planted = { name: 'planted', bytes: Buffer.from(`{"tx":"${story.signedTx}"}`) }
        expect(findSecrets(needles, [planted]).length).toBeGreaterThan(0)

        expect(findSecrets(needles, words)).toEqual([])
        expect(findSecrets(needles, pages)).toEqual([])
        expect(findSecrets(endpointNeedles, errors)).toEqual([])
        expect(findSecrets(needles, dump)).toEqual([])
      } finally {
        for (const close of closing) await close().catch(() => {})
        await endpoints.evm.stop()
        await endpoints.cosmos.stop()
        await endAll()
        for (const line of await processesWith(folder.path))
          process.kill(Number.parseInt(line, 10), 'SIGKILL')
        await store.stop()
        await folder.remove()
      }
    },
    limitMs,
  )
})

interface Parts {
  readonly localnet: Localnet
  readonly anvil: Anvil
  readonly cosmos: CosmosChain
  /** What the story leaves open, wherever it ends. */
  readonly closing: (() => Promise<unknown>)[]
}

async function tellStory(
  folder: string,
  store: StoreUnderTest,
  endpoints: { evm: EchoingEndpoint; cosmos: EchoingEndpoint },
  { localnet, anvil, cosmos, closing }: Parts,
) {
  const dataDir = join(folder, 'data')
  const tap = join(folder, 'tap')
  const quick = { pollIntervalMs: 100, probeIntervalMs: 200 }
  const configFile = await writeConfig(
    folder,
    localnet,
    [
      {
        chain: anvil.chainId,
        endpoints: [{ id: 'first', url: endpoints.evm.url, headers: endpoints.evm.headers }],
        finality: { rule: 'instant' },
        ...quick,
      },
      {
        chain: cosmos.chainId,
        bech32Prefix: cosmos.bech32Prefix,
        endpoints: [{ id: 'second', url: endpoints.cosmos.url, headers: endpoints.cosmos.headers }],
        ...quick,
      },
    ],
    { store: store.config, logLevel: 'debug' },
  )

  const lives: Running[] = []
  async function live(): Promise<{ running: Running; address: string; dashboard: string }> {
    const preload = pathToFileURL(join(__dirname, '../../support/tapRequests.mjs')).href
    const running = run(
      process.execPath,
      ['--import', preload, broadcasterProgram, 'run', '--config', configFile, '--json'],
      { env: { VEILCAST_TEST_TAP: tap } },
    )
    lives.push(running)
    const ready = JSON.parse(await running.said(/^\{"event":"ready"/)) as {
      addresses: [string]
      dashboard: string
    }
    return { running, address: ready.addresses[0], dashboard: ready.dashboard }
  }

  let { running, address, dashboard } = await live()
  const mixnetOptions = {
    nymApiUrl: localnet.nymApiUrl,
    preferredGateway: localnet.preferredGateway!,
    disableCoverTraffic: true,
    disablePacing: true,
  }
  const client = createClient({ mixnet: createNymWasmDialer(mixnetOptions), broadcasters: [address], timing })
  const hostile = createNymWasmDialer(mixnetOptions)
  closing.push(client.stop, hostile.stop)
  await Promise.all([client.start(), hostile.start()])

  const signed: { readonly chain: string; readonly bytes: Uint8Array }[] = []
  const needles: Needle[] = []
  const errors: Haystack[] = []
  const pages: Haystack[] = []
  const words: Haystack[] = []

  /** An account that nobody else knows, with or without money. */
  async function evmAccount(wei = 10n ** 18n) {
    const privateKey = generatePrivateKey()
    const account = privateKeyToAccount(privateKey)
    needles.push(
      hexNeedle('EVM account', account.address),
      ...piecesOf(hexNeedle('EVM key', account.publicKey)),
    )
    await anvil.rpc('anvil_setBalance', [account.address, toHex(wei)])
    return { address: account.address, privateKey }
  }

  async function evmTx(more: Partial<Parameters<typeof signEthTransfer>[1]> = {}): Promise<string> {
    const secret = toHex(randomBytes(40))
    const to = getAddress(toHex(randomBytes(20)))
    needles.push(hexNeedle('calldata', secret), hexNeedle('EVM recipient', more.to ?? to))
    const signedTx = await signEthTransfer(anvil, {
      from: more.from ?? (await evmAccount()),
      to,
      valueWei: 1n,
      data: secret,
      ...more,
    })
    return keep(anvil.chainId, hexToBytes(signedTx), keccak256(signedTx))
  }

  async function cosmosTx(
    place: number,
    more: Partial<Parameters<typeof signMsgSend>[1]> = {},
  ): Promise<string> {
    const memo = randomBytes(18).toString('base64')
    const [from, to] = [cosmos.accounts[place]!, cosmos.accounts[(place + 1) % cosmos.accounts.length]!]
    needles.push(textNeedle('memo', memo))
    for (const account of [from, to]) {
      needles.push(textNeedle('Cosmos address', account.address))
      needles.push({ name: 'Cosmos account', bytes: bech32.decodeToBytes(account.address).bytes })
    }
    const bytes = await signMsgSend(cosmos, { from, to: to.address, amount: 1, memo, ...more })
    return keep(cosmos.chainId, bytes, sha256(bytes))
  }

  function keep(chain: string, bytes: Uint8Array, txId: string): string {
    signed.push({ chain, bytes })
    needles.push(hexNeedle('hash', txId), ...piecesOf({ name: 'raw transaction', bytes }))
    return toHex(bytes)
  }

  type Submit = Parameters<typeof client.submit>[0]
  async function submit(
    chain: string,
    signedTx: string,
    more: Partial<Submit> = {},
    timeoutMs = 30_000,
  ): Promise<Receipt | string> {
    try {
      return await client.submit({ chain, signedTx, ...more }, { timeoutMs })
    } catch (error) {
      if (!(error instanceof VeilcastError)) throw error
      const all = inspect(error, { depth: 9, showHidden: true })
      errors.push({ name: 'error of a client', bytes: Buffer.from(all) })
      return error.errorName
    }
  }
  const inSeconds = (seconds: number): number => Math.ceil(Date.now() / 1000) + seconds

  // On chain: well, reverted, and failed at delivery.
  const evm = anvil.chainId
  const [paid, reverted, sent, failed] = await Promise.all([
    submit(evm, await evmTx()),
    submit(evm, await evmTx({ to: tellTale.address })),
    submit(cosmos.chainId, await cosmosTx(0)),
    submit(cosmos.chainId, await cosmosTx(2, { amount: 9e14 })),
  ])
  expect([paid, reverted, sent, failed]).toMatchObject([
    { ok: true },
    { ok: false },
    { ok: true },
    { ok: false },
  ])

  // Not on chain: refused by us, out of time, not ours to take.
  const poor = await evmAccount(1n)
  const [first, gap] = await Promise.all([
    submit(evm, await evmTx({ from: poor, nonce: 0 })),
    submit(evm, await evmTx({ nonce: 5 }), { notAfter: inSeconds(3) }, 8_000),
    submit('eip155:1', await evmTx()),
    submit(
      cosmos.chainId,
      await cosmosTx(1, { sequence: 77, accountNumber: 9 }),
      { notAfter: inSeconds(3) },
      8_000,
    ),
  ])
  expect([first, gap]).toEqual(['insufficientFunds', expect.any(String)])

  // The endpoints tell on us.
  const handing = { evm: ['eth_sendRawTransaction'], cosmos: ['broadcast_tx_sync', 'broadcast_tx_async'] }
  for (const mode of ['error', 'page', 'garbage', 'redirect', 'hang'] as const) {
    endpoints.evm.set(mode, handing.evm)
    endpoints.cosmos.set(mode, handing.cosmos)
    await Promise.all([
      submit(evm, await evmTx(), { notAfter: inSeconds(2) }, 1_500),
      submit(cosmos.chainId, await cosmosTx(3), { notAfter: inSeconds(2) }, 1_500),
    ])
  }
  endpoints.cosmos.set('error')
  endpoints.evm.set('error', ['eth_call', 'eth_getBalance', 'eth_getTransactionReceipt'])
  const reads = [
    client.read({ chain: evm, method: 'eth_getBalance', params: [poor.address, 'latest'] }),
    client.read({ chain: cosmos.chainId, method: 'status', params: {} }),
  ]
  for (const { reason } of (await Promise.allSettled(reads)) as PromiseRejectedResult[]) {
    errors.push({
      name: 'error of a read',
      bytes: Buffer.from(inspect(reason, { depth: 9, showHidden: true })),
    })
  }
  endpoints.evm.set('pass')
  endpoints.cosmos.set('pass')

  // Messages of no wallet.
  const to = address as MixnetAddress
  const whole = encodeRequest({
    id: newRequestId(),
    surbs: 2,
    body: {
      kind: 'submit',
      until: 'included',
      everyStage: false,
      notAfter: inSeconds(60),
      chain: parseChainId(evm),
      signedTx: hexToBytes((await evmTx()) as `0x${string}`).map((byte, place) =>
        place > 100 ? byte ^ 1 : byte,
      ),
    },
  })
  const anotherVersion = whole.slice()
  anotherVersion[0]! ^= 0x7f
  for (const message of [randomBytes(600), signed[0]!.bytes, whole, whole.subarray(0, 60), anotherVersion]) {
    await hostile.send(to, new Uint8Array(message), 2)
  }

  // One that another overtakes, and a job that fails after it was handed to a live endpoint.
  await anvil.setAutomine(false)
  const rival = await evmAccount()
  const overtaken = await evmTx({ from: rival, nonce: 0 })
  const waiting = submit(evm, overtaken, { until: 'final' })
  await untilPooled(anvil)
  const vault = createVault(await readFile(join(dataDir, 'veilcast.key')))
  const keyOf = (tx: { chain: string; bytes: Uint8Array }) => vault.keyOf(parseChainId(tx.chain), tx.bytes)
  const handedBefore = endpoints.evm.calls('eth_sendRawTransaction')
  endpoints.evm.set('page', handing.evm)
  const own = openStore(await store.asConfig(dataDir))
  closing.push(own.stop)
  await own.start()
  const queue = own.queues.queue('submit')
  const kept = { removeOnFail: false, removeOnComplete: false }
  const key = keyOf(signed.at(-1)!)
  // It is to be handed over again, and then cannot be delayed.
  const handed = { key, chain: evm, lane: null, again: [key], stalls: 0 }
  await queue.add('submit', handed, { jobId: 'handed', ...kept })
  await queue.add('submit', null, { jobId: 'empty', ...kept })
  // What is no job of ours is let go.
  await until(async () => (await queue.getFailedCount()) === 1 && (await queue.getCompletedCount()) === 1)
  await until(() => endpoints.evm.calls('eth_sendRawTransaction') > handedBefore)
  const jobs = await queue.getJobs(['failed', 'completed', 'delayed', 'waiting', 'active'])
  pages.push({ name: 'jobs', bytes: Buffer.from(JSON.stringify(jobs)) })
  endpoints.evm.set('pass')
  await anvil.rpc('anvil_dropAllTransactions')
  const rivalTx = await evmTx({
    from: rival,
    nonce: 0,
    maxFeePerGas: 9_000_000_000n,
    maxPriorityFeePerGas: 5_000_000_000n,
  })
  await anvil.rpc('eth_sendRawTransaction', [rivalTx])
  await anvil.mine()
  await anvil.setAutomine(true)
  expect(await waiting).toBe('replaced')

  await look('while all is well')

  // The store fails, and more is asked of it; then the broadcaster crashes.
  const disturbing = store.disturb(dataDir)
  const duringTrouble = [
    submit(evm, await evmTx(), {}, 6_000),
    submit(cosmos.chainId, await cosmosTx(1), {}, 6_000),
  ]
  await delay(300)
  await look('while the store fails')
  await disturbing
  await Promise.all(duringTrouble)
  await kill9(running)
  const afterCrash = submit(evm, await evmTx())
  ;({ running, address, dashboard } = await live())
  expect(await afterCrash).toMatchObject({ ok: true })
  if (typeof paid !== 'string') {
    expect((await client.status({ submitId: paid.requestId, until: 'final' })).txId).toBe(paid.txId)
  }
  await expect(client.status({ submitId: '5a'.repeat(16) }, { timeoutMs: 10_000 })).rejects.toThrow()
  await look('after the crash')

  async function look(when: string): Promise<void> {
    const get = async (path: string): Promise<string> => {
      const response = await fetch(`${dashboard}${path}`, { signal: AbortSignal.timeout(10_000) }).catch(
        () => undefined,
      )
      const body = (await response?.text()) ?? ''
      pages.push({
        name: `${path} ${when}`,
        bytes: Buffer.from(`${body} ${JSON.stringify([...(response?.headers ?? [])])}`),
      })
      return body
    }
    for (const path of [
      '/healthz',
      '/readyz',
      '/metrics',
      '/',
      '/status.json',
      '/history.json?span=hour',
      '/history.json?span=day',
      '/audit',
      '/queues/manage',
      '/queues',
      '/queues/api/redis/stats',
      '/queues/api/job-schedulers',
    ]) {
      await get(path)
    }
    const opened = new AbortController()
    const events = await fetch(`${dashboard}/events`, { signal: opened.signal })
    const first = await events.body!.getReader().read()
    pages.push({ name: `/events ${when}`, bytes: first.value ?? new Uint8Array() })
    opened.abort()
    const names = [
      'submit',
      'reconcile',
      ...[evm, cosmos.chainId].map((chain) => `confirm-${chain.replace(':', '-')}`),
    ]
    for (const name of names) {
      for (const status of ['latest', 'active', 'waiting', 'completed', 'failed', 'delayed', 'paused']) {
        await get(`/queues/api/queues?activeQueue=${name}&status=${status}&page=1&jobsPerPage=50`)
      }
    }
    for (const job of ['handed', 'empty', ...signed.map(keyOf)]) {
      await get(`/queues/api/queues/submit/${job}`)
      await get(`/queues/api/queues/submit/${job}/logs`)
    }
  }

  // What the machine knows of the processes, and what the store holds.
  for (const line of await processesWith(folder)) {
    const pid = Number.parseInt(line, 10)
    for (const file of ['cmdline', 'environ']) {
      const bytes = await readFile(`/proc/${pid}/${file}`).catch(() => Buffer.alloc(0))
      words.push({ name: `${file} of ${line}`, bytes })
    }
  }
  const dump = await store.dump(dataDir)
  running.child.kill('SIGTERM')
  for (const life of lives) {
    const { stdout, stderr } = await life.ended
    words.push(
      { name: 'standard output', bytes: Buffer.from(stdout) },
      { name: 'standard error', bytes: Buffer.from(stderr) },
    )
  }
  dump.push(...(await filesIn(dataDir)))

  // Sender tags and request ids, as they came in.
  const tapped = (await readFile(tap, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { payload: string; tag?: string })
  const tags = new Set(tapped.flatMap(({ tag }) => tag ?? []))
  expect(tags.size).toBeGreaterThanOrEqual(2)
  for (const tag of tags)
    needles.push(textNeedle('sender tag', tag), { name: 'sender tag', bytes: base58.decode(tag) })
  for (const { payload } of tapped) {
    try {
      needles.push({ name: 'request id', bytes: decodeRequest(Buffer.from(payload, 'hex')).id })
    } catch {
      // It was none of ours.
    }
  }
  const secret = await readFile(join(dataDir, 'veilcast.key'))
  const derived = ['mac', 'seal'].map((use) => ({
    name: `key for ${use}`,
    bytes: new Uint8Array(hkdfSync('sha256', secret, '', `veilcast record ${use} v1`, 32)),
  }))
  const endpointNeedles = [...endpoints.evm.secrets, ...endpoints.cosmos.secrets].map((text) =>
    textNeedle('key of an endpoint', text),
  )
  needles.push(
    ...endpointNeedles,
    ...(await store.secrets(dataDir)).map((text) => textNeedle('secret of the store', text)),
  )
  needles.push({ name: 'key file', bytes: secret }, ...derived)
  return {
    needles: unique(needles),
    endpointNeedles,
    words,
    pages,
    errors,
    dump,
    signedTx: overtaken,
    keys: [...new Set(signed.slice(0, 4).map(keyOf))],
  }
}

function unique(needles: readonly Needle[]): Needle[] {
  return [...new Map(needles.map((needle) => [Buffer.from(needle.bytes).toString('hex'), needle])).values()]
}

/** All that lies in the data folder but the secrets that belong there. */
async function filesIn(dataDir: string): Promise<Haystack[]> {
  const files: Haystack[] = []
  for (const entry of await readdir(dataDir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || ['veilcast.key', 'password'].includes(entry.name)) continue
    const path = join(entry.parentPath, entry.name)
    // The programs of Postgres, where they had to be copied.
    if (/\/(programs|lib|share|bin)[./]/.test(path.slice(dataDir.length))) continue
    files.push({ name: path.slice(dataDir.length), bytes: await readFile(path).catch(() => Buffer.alloc(0)) })
  }
  return files
}

async function embedded(): Promise<StoreUnderTest> {
  const urlOf = async (dataDir: string): Promise<string> => {
    const folder = join(dataDir, 'postgres')
    const password = (await readFile(join(folder, 'password'), 'utf8')).trim()
    return `postgres://veilcast:${password}@localhost/postgres?host=${encodeURIComponent(join(folder, 'run'))}`
  }
  async function withClient<T>(dataDir: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = new pg.Client({ connectionString: await urlOf(dataDir) })
    client.on('error', () => {})
    await client.connect()
    try {
      return await work(client)
    } finally {
      await client.end().catch(() => {})
    }
  }
  return {
    config: { kind: 'embedded' },
    secrets: async (dataDir) => [(await readFile(join(dataDir, 'postgres', 'password'), 'utf8')).trim()],
    asConfig: async (dataDir) => ({ kind: 'postgres', url: await urlOf(dataDir) }),
    async disturb(dataDir) {
      await withClient(dataDir, async (client) => {
        await client.query('alter table veilcast.record rename to away')
        await delay(1_500)
        await client.query('alter table veilcast.away rename to record')
        // As one that crashed takes all sessions with it, and Postgres writes down what it was doing.
        const { rows } = await client.query<{ pid: number }>(
          `select pid from pg_stat_activity where application_name = 'veilcast' and query like '%record%' limit 1`,
        )
        if (rows[0]) process.kill(rows[0].pid, 'SIGKILL')
      }).catch(() => {})
      await until(() => withClient(dataDir, async () => true).catch(() => false), 200)
    },
    dump: (dataDir) =>
      withClient(dataDir, async (client) => {
        const { rows } = await client.query<{ name: string }>(`
          select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
          where c.relkind in ('r', 'm', 'v') and (n.nspname in ('veilcast', 'bullmq', 'public')
            or c.relname in ('pg_stat_activity', 'pg_prepared_statements', 'pg_settings', 'pg_statistic', 'pg_stats'))`)
        const tables: Haystack[] = []
        for (const { name } of rows) {
          const { rows: content } = await client.query(`select t::text from ${name} t`)
          tables.push({ name, bytes: Buffer.from(JSON.stringify(content)) })
        }
        const { rows: sequences } = await client.query<{ sequence: string }>(
          'select sequence from veilcast.record',
        )
        for (const { sequence } of sequences) expect(BigInt(sequence)).toBeGreaterThan(1_000_000n)
        await client.query('checkpoint')
        return tables
      }),
    stop: async () => {},
  }
}

async function redis(): Promise<StoreUnderTest> {
  const password = randomBytes(12).toString('hex')
  const server = await startRedis([
    ...['--requirepass', password, '--rdbcompression', 'no'],
    ...['--slowlog-log-slower-than', '0', '--slowlog-max-len', '100000'],
  ])
  const url = `redis://:${password}@127.0.0.1:${server.port}`
  const client = new Redis(url)
  client.on('error', () => {})
  const heard: Buffer[] = []
  const monitor = connect(server.port, '127.0.0.1')
  monitor.on('data', (chunk) => heard.push(chunk)).on('error', () => {})
  await once(monitor, 'connect')
  monitor.write(`AUTH ${password}\r\nMONITOR\r\n`)
  return {
    config: { kind: 'redis', url },
    secrets: async () => [password],
    asConfig: async () => ({ kind: 'redis', url }),
    async disturb() {
      await client.config('SET', 'maxmemory', '1')
      await delay(1_500)
      await client.config('SET', 'maxmemory', '0')
      await client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes').catch(() => {})
    },
    async dump() {
      const slow = Buffer.from(JSON.stringify(await client.slowlog('GET', 100_000)))
      await client.save()
      const setting = async (name: string): Promise<string> =>
        ((await client.config('GET', name)) as string[])[1]!
      const folder = await setting('dir')
      const files: Haystack[] = []
      for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
        if (entry.isFile())
          files.push({ name: entry.name, bytes: await readFile(join(entry.parentPath, entry.name)) })
      }
      expect(files.map(({ name }) => name).join()).toMatch(/\.rdb.*\.aof|\.aof.*\.rdb/)
      const clients = Buffer.from(`${await client.client('LIST')} ${await client.info('everything')}`)
      return [
        ...files,
        { name: 'slow log', bytes: slow },
        { name: 'clients', bytes: clients },
        { name: 'monitor', bytes: Buffer.concat(heard) },
      ]
    },
    async stop() {
      monitor.destroy()
      client.disconnect()
      await server.stop()
    },
  }
}
