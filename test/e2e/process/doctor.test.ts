import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type Anvil, startAnvil } from '@veilcast/devnet'
import { type Localnet, startLocalnet } from '@veilcast/localnet'
import { anvilSetup, makeFolder } from '../../support/path.ts'
import {
  type BroadcasterProcess,
  broadcasterProgram,
  type Ended,
  endAll,
  run,
  runBroadcaster,
  writeConfig,
} from '../../support/processes.ts'
import { until } from '../../support/until.ts'

const limitMs = 120_000
const password = 'a password that is long enough'

let localnet: Localnet
let anvil: Anvil
let folder: Awaited<ReturnType<typeof makeFolder>>
let config: string
let broadcaster: BroadcasterProcess

beforeAll(async () => {
  localnet = await startLocalnet()
  anvil = await startAnvil()
  folder = await makeFolder()
  const hashing = run(process.execPath, [broadcasterProgram, 'hash-password'], { stdin: 'pipe' })
  hashing.child.stdin!.end(`${password}\n`)
  const passwordHash = (await hashing.ended).stdout.trim()
  // Others may come: it asks for a login, and doctor has none.
  config = await writeConfig(folder.path, localnet, [anvilSetup(anvil)], {
    http: { host: '0.0.0.0', port: 0, auth: { passwordHash } },
  })
  broadcaster = await runBroadcaster(config)
}, limitMs)
afterAll(async () => {
  broadcaster?.child.kill('SIGTERM')
  await broadcaster?.ended
  await endAll()
  await anvil?.stop()
  await localnet?.stop()
  await folder?.remove()
}, limitMs)

const url = (): string => broadcaster.dashboard.replace('0.0.0.0', '127.0.0.1')
const doctor = (...args: string[]): Promise<Ended> =>
  run(process.execPath, [broadcasterProgram, 'doctor', '--config', config, ...args]).ended

interface Answer {
  readonly ok: boolean
  readonly running: boolean
  readonly troubles: readonly { readonly code: string; readonly subject: string }[]
}
const codes = async (): Promise<string[]> =>
  (JSON.parse((await doctor('--url', url(), '--json')).stdout) as Answer).troubles.map(({ code }) => code)

describe('veilcast-broadcaster doctor', () => {
  it(
    'default: says that nothing is wrong, and whom it asked, with the key file for a login',
    async () => {
      const { code, stdout } = await doctor('--url', url())
      expect(stdout).toMatch(new RegExp(`\\(all, ready\\); ${anvil.chainId}\nnothing is wrong$`))
      expect(code).toBe(0)
      expect((await fetch(`${url()}/status.json`, { headers: { accept: 'application/json' } })).status).toBe(
        401,
      )
    },
    limitMs,
  )

  it(
    'behavior: a key file of another broadcaster is no login',
    async () => {
      const made = join(folder.path, 'other', 'veilcast.yaml')
      const init = ['init', '--yes', '--chain', anvil.rpcUrl, '--config', made]
      expect(await run(process.execPath, [broadcasterProgram, ...init]).ended).toMatchObject({ code: 0 })
      const asking = ['doctor', '--config', made, '--url', url()]
      const asked = run(process.execPath, [broadcasterProgram, ...asking])
      const { code, stdout } = await asked.ended
      expect([code, stdout]).toEqual([2, expect.stringMatching(/does not know this key file/)])
    },
    limitMs,
  )

  it(
    'behavior: says what is wrong, what to do first and where to read on, with exit code 2',
    async () => {
      await anvil.stop()
      await until(async () => (await codes()).includes('noLiveEndpoint'), 500)
      const { code, stdout } = await doctor('--url', url())
      expect(code).toBe(2)
      expect(stdout).toContain(`: ${anvil.chainId}`)
      expect(stdout).toMatch(/^NOW {3}/m)
      expect(stdout).toMatch(/^ {6}First: /m)
      expect(stdout).toMatch(/docs\/runbooks\/noLiveEndpoint\.md/)
      expect(stdout).not.toContain(anvil.rpcUrl)
    },
    limitMs,
  )

  it(
    'behavior: says so where none is running, where the port is not known, and where another program answers',
    async () => {
      const gone = await doctor('--url', 'http://127.0.0.1:9')
      expect([gone.code, gone.stdout]).toEqual([
        2,
        expect.stringMatching(/^No broadcaster answers on 127\.0\.0\.1:9\. Start it with run/),
      ])
      expect(JSON.parse((await doctor('--url', 'http://127.0.0.1:9', '--json')).stdout)).toMatchObject({
        ok: false,
        running: false,
      })
      const unknown = await doctor()
      expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringMatching(/http\.port is 0.*--url/)])

      const other = createServer((_request, response) => response.end('\u001b[2Jhello')).listen(
        0,
        '127.0.0.1',
      )
      await once(other, 'listening')
      const { port } = other.address() as AddressInfo
      const { code, stdout } = await doctor('--url', `http://127.0.0.1:${port}`)
      other.close()
      other.closeAllConnections()
      expect([code, stdout]).toEqual([
        2,
        expect.stringMatching(/^What answers on 127\.0\.0\.1:\d+ is no broadcaster/),
      ])
    },
    limitMs,
  )
})
