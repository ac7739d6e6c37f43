import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { stringify } from 'yaml'
import { type EchoingEndpoint, startEchoingEndpoint } from '../../support/echoingEndpoint.ts'
import { findSecrets, textNeedle } from '../../support/findSecrets.ts'
import { makeFolder } from '../../support/path.ts'
import { broadcasterProgram, type Ended, endAll, run } from '../../support/processes.ts'

const limitMs = 60_000
const password = randomBytes(12).toString('hex')
const nobody = `me:${password}@127.0.0.1:9`

let folder: Awaited<ReturnType<typeof makeFolder>>
let endpoint: EchoingEndpoint
/** Takes connections, and that is all. */
let silent: Server
beforeAll(async () => {
  folder = await makeFolder()
  endpoint = await startEchoingEndpoint('http://127.0.0.1:9')
  endpoint.set('page')
  silent = createServer().listen(0, '127.0.0.1')
  await once(silent, 'listening')
})
afterEach(endAll)
afterAll(async () => {
  await endpoint?.stop()
  silent?.close()
  await folder?.remove()
})

async function command(
  name: string,
  store: object,
  env: NodeJS.ProcessEnv = {},
  preload = '',
): Promise<Ended> {
  const path = join(folder.path, 'veilcast.yaml')
  await writeFile(
    path,
    stringify({
      dataDir: 'data',
      mixnet: { transport: 'nym-wasm', nymApiUrl: `http://${nobody}/api/${password}` },
      http: { port: 0 },
      logLevel: 'debug',
      chains: [
        {
          chain: 'eip155:1',
          finality: { rule: 'finalized' },
          endpoints: [{ id: 'telling', url: endpoint.url, headers: endpoint.headers }],
        },
      ],
      ...store,
    }),
  )
  const preloaded = preload === '' ? [] : ['--import', `data:text/javascript,${encodeURIComponent(preload)}`]
  return run(process.execPath, [...preloaded, broadcasterProgram, name, '--config', path], { env }).ended
}

function expectNoSecret({ stdout, stderr }: Ended): void {
  const needles = [password, ...endpoint.secrets].map((text) => textNeedle('secret', text))
  const said = [stdout, stderr].map((text, index) => ({ name: `${index}`, bytes: Buffer.from(text) }))
  expect(findSecrets(needles, said)).toEqual([])
}

describe('what the command says where nothing it needs is there', () => {
  const stores: [string, object, NodeJS.ProcessEnv][] = [
    ['a Redis', { store: { kind: 'redis', url: `redis://${nobody}/0` } }, {}],
    ['a Postgres', { store: { kind: 'postgres', url: `postgres://${nobody}/none` } }, {}],
    ['a Redis of the environment', {}, { REDIS_URL: `redis://${nobody}/0` }],
    ['a Redis whose URL is none', {}, { REDIS_URL: `redis://:${password}@[half` }],
    ['a Postgres whose URL is none', {}, { DATABASE_URL: `postgres://me:${password}%zz@h:port/x` }],
  ]

  it.each(stores)(
    'check and run, %s: the endpoint, the store and the mixnet are named without their secrets',
    async (_, store, env) => {
      const checked = await command('check', store, env)
      expect(checked.code).toBe(2)
      expect(checked.stdout).toMatch(/FAIL {2}store: /)
      expect(checked.stdout).toMatch(/FAIL {2}eip155:1 telling: /)
      expect(checked.stdout).toMatch(/FAIL {2}mixnet: /)
      expectNoSecret(checked)

      const ended = await command('run', store, env)
      expect(ended.code).toBe(2)
      expect(ended.stderr).toMatch(/^veilcast-broadcaster: /m)
      expectNoSecret(ended)
    },
    limitMs,
  )

  it.each([
    ['thrown', (text: string) => `throw new Error(${text})`],
    [
      'rejected',
      (text: string) => `void Promise.reject(Object.assign(new Error(${text}), { cause: ${text} }))`,
    ],
    ['rejected with no error', (text: string) => `void Promise.reject(${text})`],
  ])(
    'an error that nobody expected, %s: its class alone',
    async (_, statement) => {
      const text = JSON.stringify(
        `HTTP request failed. URL: http://${nobody}/ Request body: {"params":["0x02f8"]}`,
      )
      // As soon as the program is up to it; its store says nothing for as long as it likes.
      const preload = `const timer = setInterval(() => {
        if (process.listenerCount('uncaughtException') === 0) return
        clearInterval(timer)
        ${statement(text)}
      }, 20)`
      const url = `redis://${nobody.replace(/:9$/, `:${(silent.address() as AddressInfo).port}`)}/0`
      const ended = await command('run', { store: { kind: 'redis', url } }, {}, preload)
      expect(ended.code).toBe(2)
      expect(ended.stderr).toMatch(/nothing more is said/)
      expectNoSecret(ended)
    },
    limitMs,
  )
})
