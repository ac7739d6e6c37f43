import { afterEach, describe, expect, it } from '@jest/globals'
import { lookAtEndpoints } from '../../../broadcaster/dist/config/lookAtEndpoints.js'
import { parseConfig } from '../../../broadcaster/dist/config/parseConfig.js'
import { cometWords, evmWords, type SaysOnly, saysOnly } from '../../support/saysOnly.ts'

const nodes: SaysOnly[] = []
afterEach(async () => {
  for (const node of nodes.splice(0)) await node.stop()
})
async function node(answers: Record<string, unknown>, status?: number): Promise<SaysOnly> {
  const one = await saysOnly(answers, status)
  nodes.push(one)
  return one
}

async function look(...chains: object[]): Promise<string[]> {
  const { chains: read } = parseConfig({ mixnet: { transport: 'nym-socket' }, chains }, 'veilcast.yaml')
  const looks = await lookAtEndpoints(read)
  return looks.map(({ chain, endpoint, state, found }) => `${chain} ${endpoint} ${state}: ${found}`)
}
const evm = (chain: string, ...endpoints: object[]): object => ({ chain, endpoints })
const cosmos = (chain: string, ...endpoints: object[]): object => ({
  chain,
  bech32Prefix: 'cosmos',
  endpoints,
})

describe('lookAtEndpoints', () => {
  it('default: every endpoint is on its chain', async () => {
    const [a, b, c] = [await node(evmWords(1)), await node(evmWords(1)), await node(cometWords('test-1'))]
    expect(
      await look(
        evm('eip155:1', { id: 'a', url: a.url }, { id: 'b', url: b.url }),
        cosmos('cosmos:test-1', { id: 'c', url: c.url, restUrl: c.url }),
      ),
    ).toEqual([
      'eip155:1 a ok: on its chain',
      'eip155:1 b ok: on its chain',
      'cosmos:test-1 c ok: on its chain',
    ])
  })

  it('behavior: an endpoint of another chain, or of another family, is wrong', async () => {
    const [a, b, c] = [await node(evmWords(5)), await node(cometWords('test-1')), await node(evmWords(1))]
    expect(
      await look(
        evm('eip155:1', { id: 'a', url: a.url }, { id: 'b', url: b.url }),
        cosmos('cosmos:test-2', { id: 'b', url: b.url }, { id: 'c', url: c.url }),
      ),
    ).toEqual([
      'eip155:1 a wrong: is on eip155:5, and not on eip155:1',
      'eip155:1 b wrong: is on cosmos:test-1, and not on eip155:1',
      'cosmos:test-2 b wrong: is on cosmos:test-1, and not on cosmos:test-2',
      'cosmos:test-2 c wrong: is on eip155:1, and not on cosmos:test-2',
    ])
  })

  it('behavior: one node as two operators is wrong, also under two names of this machine', async () => {
    const a = await node(evmWords(1))
    const other = a.url.replace('127.0.0.1', 'localhost')
    const [, second] = await look(evm('eip155:1', { id: 'a', url: a.url }, { id: 'b', url: other }))
    expect(second).toMatch(/^eip155:1 b wrong: is the same node as a, and would be its own witness/)
    expect(
      await look(
        evm('eip155:1', { id: 'a', operator: 'me', url: a.url }, { id: 'b', operator: 'me', url: a.url }),
      ),
    ).toEqual(['eip155:1 a ok: on its chain', 'eip155:1 b ok: on its chain'])
  })

  it('behavior: a Cosmos node says who it is, whatever it is called', async () => {
    const [a, b, c] = [
      await node(cometWords('test-1', 'a')),
      await node(cometWords('test-1', 'a')),
      await node(cometWords('test-1', 'b')),
    ]
    const looks = await look(
      cosmos('cosmos:test-1', { id: 'a', url: a.url }, { id: 'b', url: b.url }, { id: 'c', url: c.url }),
    )
    expect(looks.map((line) => line.split(':').slice(0, 2).join(':'))).toEqual([
      'cosmos:test-1 a wrong',
      'cosmos:test-1 b wrong',
      'cosmos:test-1 c ok',
    ])
  })

  it('behavior: two chains of one id are told apart by their first blocks', async () => {
    const [a, b] = [await node(evmWords(31_337, '11')), await node(evmWords(31_337, '22'))]
    const [first, second] = await look(evm('eip155:31337', { id: 'a', url: a.url }, { id: 'b', url: b.url }))
    expect(first).toBe('eip155:31337 a ok: on its chain')
    expect(second).toMatch(/^eip155:31337 b wrong: has another first block than a/)
  })

  it('behavior: another prefix, and a restUrl of another chain, are wrong', async () => {
    const [a, b, rest] = [
      await node(cometWords('test-1', 'a', 'osmo')),
      await node(cometWords('test-1', 'b')),
      await node(cometWords('test-2', 'c')),
    ]
    expect(
      await look(
        cosmos('cosmos:test-1', { id: 'a', url: a.url }, { id: 'b', url: b.url, restUrl: rest.url }),
      ),
    ).toEqual([
      'cosmos:test-1 a wrong: says that addresses begin with osmo: set bech32Prefix to that',
      'cosmos:test-1 b wrong: has a restUrl that is on another chain',
    ])
  })

  it.each<[string, () => Promise<{ readonly url: string }>, RegExp]>([
    ['nothing listens', async () => ({ url: 'http://127.0.0.1:9/s3cret' }), /away: does not answer$/],
    ['it wants a key', () => node({}, 401), /away: .*401: is the key in its URL or headers right\?$/],
    ['it is busy', () => node({}, 429), /away: .*too much is asked/],
    [
      'it is no node of a chain',
      () => node({ hello: 1 }),
      /away: answers eth_chainId and status with errors/,
    ],
    ['it answers nonsense', () => node({ eth_chainId: 's3cret', status: 's3cret' }), /away: answers, and/],
  ])('behavior: says what is the matter where %s', async (_, prepare, said) => {
    const [line] = await look(evm('eip155:1', { id: 'a', url: (await prepare()).url }))
    expect(line).toMatch(said)
    expect(line).not.toMatch(/s3cret|127\.0\.0\.1/)
  })
})
