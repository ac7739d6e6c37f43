// Writes what a release leaves in its stores when it is killed with work under way, one statement or command a line:
//   node test/vectors/stores/write.mjs FOLDER_OF_THE_RELEASE NAME
// The release is installed and built in its folder. postgres-NAME.sql and redis-NAME.json are never written again: stores of
// that release look like this for ever. Times in them count from `writtenAtMs`.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'

const [folder, name] = process.argv.slice(2)
const release = resolve(folder)
const out = dirname(fileURLToPath(import.meta.url))
const require = createRequire(join(release, 'package.json'))
const load = (path) => import(pathToFileURL(path.startsWith('.') ? join(release, path) : require.resolve(path)).href)

const { startAnvil } = await load('./infra/devnet/dist/index.js')
const { openStore } = await load('./broadcaster/dist/index.js')
const { chainFamilies, createBroadcaster, createLogger, createVault } = await load('./broadcaster/dist/index.js')
const { createLoopback } = await load('./shared/dist/mixnet/loopback/index.js')
const { encodeRequest, newRequestId } = await load('./shared/dist/protocol/index.js')
const { privateKeyToAccount } = await load('viem/accounts')

/** The key file; there is nothing to protect. */
const secret = Buffer.alloc(32, 7)
const writtenAtMs = Date.now()

if (process.argv[4]) await live(JSON.parse(process.argv[4]))
else await writeAll()

/** A broadcaster that does three things, and is killed from outside. */
async function live({ store, rpcUrl, accounts }) {
  const loopback = createLoopback({ seed: 1 })
  // The node, until it falls silent.
  let silent = false
  const endpoint = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    if (silent) return
    const answer = await fetch(rpcUrl, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    response.setHeader('content-type', 'application/json').end(await answer.text())
  }).listen(0, '127.0.0.1')
  await once(endpoint, 'listening')
  const family = chainFamilies.eip155
  const config = family.config.parse({
    chain: 'eip155:31337',
    endpoints: [{ id: 'anvil', url: `http://127.0.0.1:${endpoint.address().port}` }],
    finality: { rule: 'instant' },
    pollIntervalMs: 100,
  })
  const broadcaster = createBroadcaster({
    listener: loopback.listener(),
    store: openStore(store),
    chains: [{ adapter: family.create(config), pollIntervalMs: 100 }],
    vault: createVault(secret),
    limits: { maxWaitingPerChain: 100, maxWaitingPerAccount: 32, maxUnsentPerChain: 100 },
    retentionSeconds: 86_400,
    rebroadcastAfterMs: 60_000,
    http: { host: '127.0.0.1', port: 0 },
    logger: createLogger('silent'),
  })
  await broadcaster.start()
  const rpc = async (method, params = []) => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
    const response = await fetch(rpcUrl, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    return (await response.json()).result
  }
  const dialer = loopback.dialer()
  await dialer.start()
  const told = []
  void (async () => {
    for await (const reply of dialer.replies()) told.push(reply)
  })()
  const transactions = {}
  async function submit(what, account, nonce) {
    const raw = await privateKeyToAccount(accounts[account]).signTransaction({
      chainId: 31337,
      nonce,
      gas: 21_000n,
      maxFeePerGas: 10_000_000_000n,
      maxPriorityFeePerGas: 1_000_000_000n,
      to: '0x000000000000000000000000000000000000dEaD',
      value: 1n,
    })
    const id = newRequestId()
    transactions[what] = { signedTx: raw, requestId: Buffer.from(id).toString('hex'), account, nonce }
    const body = {
      kind: 'submit',
      chain: 'eip155:31337',
      signedTx: Buffer.from(raw.slice(2), 'hex'),
      notAfter: Math.floor(Date.now() / 1000) + 80_000,
      until: 'final',
      everyStage: true,
    }
    const before = told.length
    await dialer.send(broadcaster.address?.() ?? broadcaster.addresses()[0], encodeRequest({ id, surbs: 10, body }), 10)
    while (told.length === before) await delay(10)
  }
  await submit('ended', 1, 0)
  while ((await rpc('eth_getTransactionCount', [privateKeyToAccount(accounts[1]).address, 'latest'])) !== '0x1') await delay(10)
  await delay(1_000)
  await rpc('evm_setAutomine', [false])
  await submit('exposed', 0, 0)
  while ((await rpc('txpool_status')).pending === '0x0') await delay(10)
  // Nobody was shown it: its job has begun, and waits for the node.
  silent = true
  await submit('held', 2, 0)
  await delay(500)
  process.stdout.write(`${JSON.stringify(transactions)}\n`)
}

async function runKilled(store, anvil) {
  const setup = { store, rpcUrl: anvil.rpcUrl, accounts: anvil.accounts.map(({ privateKey }) => privateKey) }
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), folder, name, JSON.stringify(setup)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  for await (const chunk of child.stdout) {
    text += chunk
    if (text.includes('\n')) break
  }
  child.kill('SIGKILL')
  return JSON.parse(text)
}

async function writeAll() {
  const work = await mkdtemp(join(tmpdir(), 'veilcast-stores-'))
  // Postgres may run as another user.
  await chmod(work, 0o755)
  const dataDir = join(work, 'postgres')
  // One that nobody of ours owns.
  const { keepServer } = await load('./broadcaster/dist/store/embedded/keepServer.js')
  const server = await keepServer(dataDir, new AbortController().signal, () => {})
  const password = (await readFile(join(dataDir, 'password'), 'utf8')).trim()
  const url = `postgres://veilcast:${password}@localhost/postgres?host=${encodeURIComponent(join(dataDir, 'run'))}`
  const postgresAnvil = await startAnvil()
  const postgres = await runKilled({ kind: 'postgres', url }, postgresAnvil)
  await writeFile(join(out, `postgres-${name}.sql`), await dumpPostgres(url, postgres))
  await postgresAnvil.stop()
  await server.stop()

  const port = 20_000 + (process.pid % 10_000)
  const redis = spawn('redis-server', ['--port', String(port), '--save', '', '--dir', work], { stdio: 'ignore' })
  await delay(500)
  const redisAnvil = await startAnvil()
  const transactions = await runKilled({ kind: 'redis', url: `redis://127.0.0.1:${port}` }, redisAnvil)
  await writeFile(join(out, `redis-${name}.json`), await dumpRedis(port, transactions))
  await redisAnvil.stop()
  redis.kill('SIGKILL')
  await rm(work, { recursive: true, force: true })
}

async function dumpPostgres(url, transactions) {
  const { default: pg } = await load('pg')
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { migrations } = await load('./broadcaster/dist/store/postgres/schema.js')
  const lines = [`-- ${JSON.stringify({ writtenAtMs, transactions })}`, 'create schema veilcast;']
  lines.push('create table veilcast.migration (version integer primary key, applied_at timestamptz not null default now());')
  for (const sql of migrations) lines.push(sql.trim())
  lines.push('delete from veilcast.life;')
  const quoted = (value) => {
    if (value === null) return 'null'
    if (Buffer.isBuffer(value)) return `'\\x${value.toString('hex')}'`
    if (Array.isArray(value)) return `array[${value.map(quoted)}]::text[]`
    if (value instanceof Date) return `'${value.toISOString()}'`
    const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
    return `'${text.replaceAll("'", "''")}'`
  }
  const dump = async (schema, table) => {
    const { rows, fields } = await client.query({ text: `select * from ${schema}.${table}` })
    for (const row of rows) {
      const values = fields.map((field) => quoted(field.dataTypeID === 3802 || field.dataTypeID === 114 ? (row[field.name] === null ? null : JSON.stringify(row[field.name])) : row[field.name]))
      lines.push(`insert into ${schema}.${table} (${fields.map((field) => field.name)}) overriding system value values (${values});`)
    }
  }
  for (const table of ['migration', 'life', 'record', 'request', 'cursor']) await dump('veilcast', table)
  // BullMQ makes its own tables.
  const { rows } = await client.query(
    `select relname from pg_class where relkind = 'r' and relnamespace = 'bullmq'::regnamespace and relname not in ('migration', 'event') order by relname`,
  )
  for (const { relname } of rows) await dump('bullmq', `"${relname}"`)
  await client.end()
  return `${lines.join('\n')}\n`
}

/** A line for each key: its name, its type, and what it holds, in base64 where it is no text. */
async function dumpRedis(port, transactions) {
  const { Redis } = await load('ioredis')
  const client = new Redis(`redis://127.0.0.1:${port}`)
  const text = (buffer) => (Buffer.from(buffer.toString(), 'utf8').equals(buffer) ? buffer.toString() : { base64: buffer.toString('base64') })
  const lines = [JSON.stringify({ writtenAtMs, transactions })]
  for (const key of (await client.keys('*')).sort()) {
    const type = await client.type(key)
    const reading = {
      string: () => client.getBuffer(key),
      hash: async () => (await client.callBuffer('HGETALL', key)).flat().map(text),
      zset: async () => (await client.callBuffer('ZRANGE', key, 0, -1, 'WITHSCORES')).flat().map((one) => text(Buffer.isBuffer(one) ? one : Buffer.from(String(one)))),
      set: async () => (await client.smembersBuffer(key)).map(text),
      list: async () => (await client.lrangeBuffer(key, 0, -1)).map(text),
    }[type]
    // Events are a trace; leases end by themselves.
    if (!reading || (await client.pttl(key)) >= 0) continue
    const value = await reading()
    lines.push(JSON.stringify({ key, type, value: Buffer.isBuffer(value) ? text(value) : value }))
  }
  client.disconnect()
  return `${lines.join('\n')}\n`
}
process.exit(0)
