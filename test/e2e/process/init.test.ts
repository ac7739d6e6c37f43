import { execFileSync } from 'node:child_process'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'
import { readConfigFile } from '../../../broadcaster/dist/config/readConfigFile.js'
import { makeFolder } from '../../support/path.ts'
import { broadcasterProgram, type Ended, endAll, type Running, run } from '../../support/processes.ts'
import { cometWords, evmWords, type SaysOnly, saysOnly } from '../../support/saysOnly.ts'

const limitMs = 60_000

let evm: SaysOnly
let other: SaysOnly
let comet: SaysOnly
let folder: Awaited<ReturnType<typeof makeFolder>>

beforeAll(async () => {
  evm = await saysOnly(evmWords(1))
  other = await saysOnly({ eth_chainId: '0x1' })
  comet = await saysOnly(cometWords('test-1', 'a', 'osmo'))
})
afterAll(async () => {
  for (const node of [evm, other, comet]) await node.stop()
})
beforeEach(async () => {
  folder = await makeFolder()
})
afterEach(async () => {
  await endAll()
  await folder.remove()
}, limitMs)

const file = (name: string): string => join(folder.path, name)
const start = (...args: string[]): Running =>
  run(process.execPath, [broadcasterProgram, 'init', ...args], { cwd: folder.path, stdin: 'pipe' })
const init = (...args: string[]): Promise<Ended> => start('--yes', ...args).ended
const written = async (): Promise<unknown> => parse(await readFile(file('veilcast.yaml'), 'utf8'))

describe('veilcast-broadcaster init --yes', () => {
  it(
    'default: asks the endpoints which chain they are on, and writes configuration and key file',
    async () => {
      const { code, stdout } = await init(
        ...['--chain', `${evm.url}#me`, '--chain', `eip155:1=${other.url}#them`],
        ...['--chain', comet.url, '--rest', comet.url],
      )
      expect(code).toBe(0)
      expect(stdout).toMatch(/wrote veilcast\.yaml: eip155:1, cosmos:test-1/)
      expect(stdout).toMatch(/veilcast-broadcaster run$/)
      expect(await written()).toEqual({
        dataDir: '.veilcast',
        mixnet: { transport: 'nym-wasm', nymApiUrl: 'https://validator.nymtech.net/api' },
        store: { kind: 'embedded' },
        chains: [
          {
            chain: 'eip155:1',
            finality: { rule: 'finalized' },
            endpoints: [
              { id: 'me', operator: 'me', url: evm.url },
              { id: 'them', operator: 'them', url: other.url },
            ],
          },
          {
            chain: 'cosmos:test-1',
            bech32Prefix: 'osmo',
            endpoints: [{ id: 'node-1', operator: 'node-1', url: comet.url, restUrl: comet.url }],
          },
        ],
        http: { host: '127.0.0.1', port: 8645 },
      })
      const { chains } = await readConfigFile(file('veilcast.yaml'))
      expect(chains.map(({ chain }) => chain)).toEqual(['eip155:1', 'cosmos:test-1'])
      const key = await stat(file('.veilcast/veilcast.key'))
      expect([key.size, key.mode & 0o777]).toEqual([32, 0o600])
      expect((await stat(file('veilcast.yaml'))).mode & 0o777).toBe(0o600)
      expect((await readdir(folder.path)).sort()).toEqual(['.veilcast', 'veilcast.yaml'])
    },
    limitMs,
  )

  it(
    'default: takes every answer as a flag',
    async () => {
      const { code } = await init(
        ...[
          '--chain',
          other.url,
          '--nym-socket',
          'ws://127.0.0.1:1978',
          '--store',
          'redis://:pw@127.0.0.1:1',
        ],
        ...['--host', '::1', '--port', '0', '--data-dir', 'my data'],
      )
      expect(code).toBe(0)
      expect(await written()).toMatchObject({
        dataDir: 'my data',
        mixnet: { transport: 'nym-socket', url: 'ws://127.0.0.1:1978' },
        store: { kind: 'redis', url: 'redis://:pw@127.0.0.1:1' },
        http: { host: '::1', port: 0 },
        // It knows no finalized block.
        chains: [{ finality: { rule: 'confirmations', confirmations: 12 } }],
      })
      await stat(file('my data/veilcast.key'))
    },
    limitMs,
  )

  it(
    'behavior: an EVM endpoint that is away is taken where its chain is named, with a note',
    async () => {
      const { code, stdout } = await init('--chain', 'eip155:1=http://127.0.0.1:9/s3cret')
      expect(code).toBe(0)
      expect(stdout).toMatch(/^note: an endpoint of eip155:1 does not answer/)
      expect(stdout).not.toContain('s3cret')
    },
    limitMs,
  )

  it.each<[string, () => readonly string[], RegExp]>([
    ['no endpoint', () => [], /No endpoint is named: --chain <url>/],
    ['an endpoint that is no URL', () => ['--chain', 's3cret'], /--chain: it has to be an http or https URL/],
    [
      'an endpoint of another chain',
      () => ['--chain', `eip155:5=${evm.url}`],
      /named for eip155:5 is on eip155:1/,
    ],
    [
      'an endpoint that is away, and nobody says which chain it is of',
      () => ['--chain', 'http://127.0.0.1:9/s3cret'],
      /does not answer, so that its chain is not known/,
    ],
    [
      'a Cosmos endpoint that is away',
      () => ['--chain', 'cosmos:test-1=http://127.0.0.1:9'],
      /does not answer, so that its address prefix is not known/,
    ],
    [
      'an operator that is no word',
      () => ['--chain', `${evm.url}#a b`],
      /--chain: an operator is a word of letters/,
    ],
    [
      'one endpoint twice, as two operators',
      () => ['--chain', `${evm.url}#a`, '--chain', `${evm.url}#b`],
      /one node is named as two operators/,
    ],
    [
      'a REST API of no chain',
      () => ['--chain', evm.url, '--rest', comet.url],
      /--rest: no endpoint of a Cosmos/,
    ],
    [
      'a store of no kind',
      () => ['--chain', evm.url, '--store', 'mysql://s3cret'],
      /--store: embedded, a postgres/,
    ],
    [
      'a dashboard that others can reach, without a password',
      () => ['--chain', evm.url, '--host', '0.0.0.0'],
      /reached from elsewhere.*--password-hash.*hash-password/,
    ],
    ['a port that is none', () => ['--chain', evm.url, '--port', '70000'], /--port: .*65535/],
    [
      'a data folder beneath a file',
      () => ['--chain', evm.url, '--data-dir', 'file/data'],
      /data folder .*ENOTDIR/,
    ],
  ])(
    'behavior: %s ends with code 1 and one message, and nothing is written',
    async (_, args, said) => {
      await writeFile(file('file'), '')
      const { code, stdout, stderr } = await init(...args())
      expect([code, stdout]).toEqual([1, ''])
      expect(stderr).toMatch(said)
      expect(stderr).not.toContain('s3cret')
      expect(await readdir(folder.path)).toEqual(['file'])
    },
    limitMs,
  )

  it(
    'behavior: writes over nothing; with --force over the configuration, and never over a key file',
    async () => {
      await init('--chain', evm.url)
      const [config, key] = [
        await readFile(file('veilcast.yaml')),
        await readFile(file('.veilcast/veilcast.key')),
      ]
      const refused = await init('--chain', evm.url, '--port', '1')
      expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/is there already.*--force/)])
      expect(await readFile(file('veilcast.yaml'))).toEqual(config)

      const forced = await init('--chain', evm.url, '--port', '1', '--force')
      expect([forced.code, forced.stdout]).toEqual([0, expect.stringMatching(/^kept .*veilcast\.key/m)])
      expect(await written()).toMatchObject({ http: { port: 1 } })
      expect(await readFile(file('.veilcast/veilcast.key'))).toEqual(key)
    },
    limitMs,
  )
})

describe('veilcast-broadcaster init: its questions', () => {
  it(
    'default: are answered by lines on standard input, and asked again where one will not do',
    async () => {
      const asking = start()
      const lines = [
        'nonsense',
        evm.url,
        'me',
        comet.url,
        'them',
        comet.url,
        '',
        'tor',
        'nym-socket',
        '',
        '',
        '',
        '70000',
        '9000',
        '',
      ]
      asking.child.stdin!.end(`${lines.join('\n')}\n`)
      const { code, stdout } = await asking.ended
      expect(code).toBe(0)
      for (const said of [
        'it has to be an http or https URL',
        'It is on eip155:1.',
        'It is on cosmos:test-1.',
        'nym-wasm or nym-socket',
        'a port is a number up to 65535',
      ])
        expect(stdout).toContain(said)
      expect(await written()).toMatchObject({
        mixnet: { transport: 'nym-socket', url: 'ws://127.0.0.1:1977' },
        chains: [{ chain: 'eip155:1' }, { chain: 'cosmos:test-1', endpoints: [{ restUrl: comet.url }] }],
        http: { host: '127.0.0.1', port: 9000 },
      })
    },
    limitMs,
  )

  it(
    'behavior: where input ends before the questions do, nothing is written',
    async () => {
      const asking = start()
      asking.child.stdin!.end(`${evm.url}\nme\n`)
      const { code, stderr } = await asking.ended
      expect([code, stderr]).toEqual([1, expect.stringMatching(/Not all questions were answered/)])
      expect(await readdir(folder.path)).toEqual([])
    },
    limitMs,
  )
})

const hasTerminal = ((): boolean => {
  try {
    return /util-linux/.test(execFileSync('script', ['--version'], { encoding: 'utf8' }))
  } catch {
    return false
  }
})()

;(hasTerminal ? describe : describe.skip)(
  'veilcast-broadcaster init, at a terminal (needs script of util-linux: apt-get install bsdutils)',
  () => {
    /** Types into a terminal of its own, once it has read what to answer. */
    async function type(...answers: (readonly [RegExp, string])[]): Promise<Ended> {
      const command = `exec ${process.execPath} ${broadcasterProgram} init`
      const typing = run('script', ['-qec', command, '/dev/null'], { cwd: folder.path, stdin: 'pipe' })
      let heard = ''
      for (const [question, answer] of answers) {
        heard = await heardBy(typing, question, heard)
        typing.child.stdin!.write(answer)
      }
      return typing.ended
    }

    it(
      'default: asks, takes what is usual, and writes',
      async () => {
        const { code } = await type(
          [/Endpoint, as/, `${evm.url}\r`],
          [/Who runs it/, '\r'],
          [/Another endpoint/, '\r'],
          [/Nym client/, '\r'],
          [/Nym API/, '\r'],
          [/Store/, '\r'],
          [/address/, '\r'],
          [/port/, '\r'],
          [/Folder/, '\r'],
        )
        expect(code).toBe(0)
        expect(await written()).toMatchObject({ chains: [{ chain: 'eip155:1', endpoints: [{ id: 'me' }] }] })
      },
      limitMs,
    )

    it(
      'behavior: a dashboard that others can reach gets a password, which is not shown',
      async () => {
        const secret = 'quite a long password'
        const { code, stdout } = await type(
          [/Endpoint, as/, `${evm.url}\r`],
          [/Who runs it/, '\r'],
          [/Another endpoint/, '\r'],
          [/Nym client/, '\r'],
          [/Nym API/, '\r'],
          [/Store/, '\r'],
          [/address/, '0.0.0.0\r'],
          [/port/, '\r'],
          [/password for it/, 'short\r'],
          [/characters/, `${secret}\r`],
          [/Once more/, `${secret}\r`],
          [/Folder/, '\r'],
        )
        expect(code).toBe(0)
        expect(stdout).not.toContain(secret)
        expect(await written()).toMatchObject({
          http: { host: '0.0.0.0', auth: { passwordHash: expect.stringMatching(/^scrypt\$/) } },
        })
        await readConfigFile(file('veilcast.yaml'))
      },
      limitMs,
    )

    it(
      'behavior: Ctrl-C leaves nothing',
      async () => {
        const { code } = await type(
          [/Endpoint, as/, `${evm.url}\r`],
          [/Who runs it/, '\r'],
          [/Another endpoint/, '\u0003'],
        )
        expect(code).toBe(130)
        expect(await readdir(folder.path)).toEqual([])
      },
      limitMs,
    )
  },
)

/** A prompt ends without a line end: heard as it comes. Returns what came after it. */
function heardBy({ child, ended }: Running, pattern: RegExp, before: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = before
    const look = (): boolean => {
      const found = pattern.exec(text)
      if (!found) return false
      child.stdout!.off('data', hear)
      resolve(text.slice(found.index + found[0].length))
      return true
    }
    const hear = (chunk: Buffer): void => {
      text += chunk.toString()
      look()
    }
    if (look()) return
    child.stdout!.on('data', hear)
    ended.then((end) => reject(new Error(`ended without ${pattern}: ${JSON.stringify(end)}`)), reject)
  })
}
