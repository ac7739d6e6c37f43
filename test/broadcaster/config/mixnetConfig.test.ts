import { describe, expect, it } from '@jest/globals'
import { parseConfig } from '@veilcast/broadcaster'

const chains = [
  { chain: 'eip155:1', endpoints: [{ id: 'a', url: 'http://127.0.0.1:1' }], finality: { rule: 'finalized' } },
]
const wasm = { transport: 'nym-wasm', nymApiUrl: 'http://127.0.0.1:1/api' }
const socket = (port: number) => ({ transport: 'nym-socket', url: `ws://127.0.0.1:${port}` })

const read = (mixnet: unknown) => parseConfig({ mixnet, chains }, 'veilcast.yaml').mixnets
const fault = (mixnet: unknown): string => {
  try {
    read(mixnet)
  } catch (error) {
    return (error as Error).message
  }
  return ''
}

describe('mixnet in a configuration', () => {
  it('default: one Nym client', () => {
    expect(read(socket(1))).toEqual([{ ...socket(1), allowUnprotectedRemote: false }])
  })

  it('a list of them, of any kind', () => {
    expect(read([wasm, socket(1), wasm, socket(2)]).map(({ transport }) => transport)).toEqual([
      'nym-wasm',
      'nym-socket',
      'nym-wasm',
      'nym-socket',
    ])
  })

  it.each([
    ['none at all', undefined, 'mixnet: '],
    ['an empty list', [], 'mixnet: '],
    ['too many', Array.from({ length: 17 }, (_, port) => socket(port + 1)), 'mixnet: '],
    ['a fault in the only one', { ...wasm, nymApiUrl: 'ftp://x' }, 'mixnet.nymApiUrl: an http or https URL'],
    ['a fault in the second', [wasm, { ...wasm, nymApi: '' }], 'mixnet.1.nymApi: unknown key'],
    ['no kind', [wasm, {}], 'mixnet.1.transport: '],
    ['one socket twice', [socket(1), wasm, socket(1)], 'mixnet.2.url: the same as that of entry 0'],
    [
      'one socket, written otherwise',
      [socket(1), { ...socket(1), url: 'ws://127.0.0.1:1/' }],
      'mixnet.1.url: ',
    ],
    [
      'one identity twice',
      [
        { ...wasm, identityFile: 'a' },
        { ...wasm, identityFile: './a' },
      ],
      'mixnet.1.identityFile: the same as that of entry 0',
    ],
  ])('%s is an error that names the place', (_, mixnet, text) => {
    expect(fault(mixnet)).toContain(text)
  })
})
