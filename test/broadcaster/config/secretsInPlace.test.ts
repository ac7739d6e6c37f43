import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { readConfigFile } from '../../../broadcaster/dist/config/readConfigFile.js'

const secret = 'key-5f2c81d09a'
const rest = 'mixnet: { transport: nym-wasm, nymApiUrl: http://127.0.0.1:1/api }\n'
const chains = (endpoint: string): string =>
  `${rest}chains:\n  - chain: eip155:1\n    endpoints: [${endpoint}]\n`
const finality = '    finality: { rule: finalized }\n'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'veilcast-config-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function read(text: string): Promise<{ said: string; warned: string }> {
  const path = join(folder, 'veilcast.yaml')
  await writeFile(path, text)
  const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
  const print = jest.spyOn(console, 'warn').mockImplementation(() => undefined)
  try {
    const said = await readConfigFile(path).then(
      () => '',
      (error: Error) => `${error.name} ${error.message}`,
    )
    return { said, warned: JSON.stringify([...warn.mock.calls, ...print.mock.calls].map(String)) }
  } finally {
    warn.mockRestore()
    print.mockRestore()
  }
}

describe('a configuration with a secret where none belongs', () => {
  it('default: as it should be, it is taken without a word', async () => {
    expect(await read(chains(`{ id: a, url: "https://rpc.example/${secret}" }`) + finality)).toEqual({
      said: '',
      warned: '[]',
    })
  })

  it.each([
    ['an URL without its key', chains(`{ id: a, https://rpc.example/${secret} }`)],
    ['a bare API key for a key', chains(`{ id: a, ${secret}: }`)],
    ['an id that is an URL', chains(`{ id: "https://rpc.example/${secret}", url: "https://x.example" }`)],
    ['an URL of another scheme', chains(`{ id: a, url: "wss://rpc.example/${secret}" }`)],
    ['a header that is too long', chains(`{ id: a, url: "https://x.example", headers: { "${secret}": 1 } }`)],
    [
      'a store without its key',
      `${chains('{ id: a, url: "https://x.example" }')}store: { kind: redis, "redis://:${secret}@h" }\n`,
    ],
    [
      'a store of the wrong kind',
      `${chains('{ id: a, url: "https://x.example" }')}store: { kind: "redis://:${secret}@h" }\n`,
    ],
    ['a chain that is an URL', `${rest}chains: [{ chain: "https://rpc.example/${secret}" }]\n`],
    [
      'an unknown setting whose name is a word',
      `${chains('{ id: a, url: "https://x.example" }')}rpcPassword: ${secret}\n`,
    ],
    ['no YAML', `${chains(`{ id: a, url: "https://rpc.example/${secret}`)}`],
    [
      'one key twice',
      `${chains(`{ id: a, url: https://x.example/${secret}, url: https://x.example/${secret} }`)}`,
    ],
  ])('behavior: %s is refused, and not repeated', async (_, text) => {
    const { said, warned } = await read(text)
    expect(said).toMatch(/^ConfigError /)
    expect(said + warned).not.toContain(secret)
  })

  it.each([
    ['a tag that nobody knows', chains(`{ id: a, url: !secret "https://rpc.example/${secret}" }`) + finality],
    ['a key of several values', `? { a: ${secret} }\n: 1\n${chains('{ id: a, url: "https://x.example" }')}`],
  ])('behavior: %s prints no warning with its line', async (_, text) => {
    const { said, warned } = await read(text)
    expect(said + warned).not.toContain(secret)
  })
})
