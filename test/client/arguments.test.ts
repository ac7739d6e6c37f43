import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createClient, VeilcastError } from '@veilcast/client'
import { type Stage, setStage, silent } from '../support/client.ts'

let stage: Stage
beforeAll(async () => {
  stage = await setStage([silent])
})
afterAll(() => stage.close())

const invalid = (details: string) =>
  expect.objectContaining({
    errorName: 'invalidArgument',
    outcome: 'notSent',
    details: expect.stringContaining(details),
  })
const good = { chain: 'eip155:1', signedTx: `0xc9${'01'.repeat(9)}` } as const
const seconds = Math.floor(Date.now() / 1000)

describe('the door', () => {
  it.each([
    ['chain: has the form of CAIP-2', { ...good, chain: 'mainnet' }],
    ['chain: its namespace', { ...good, chain: 'bip122:000000000019d6689c085ae165831e93' }],
    ['signedTx: is bytes, or hex', { ...good, signedTx: '0x0' }],
    ['signedTx: is bytes, or hex', { ...good, signedTx: 'ff'.repeat(1_000_002) }],
    ['signedTx: is longer', { ...good, signedTx: new Uint8Array(1_000_001) }],
    ['signedTx: is empty', { ...good, signedTx: '0x' }],
    ['until: is one of', { ...good, until: 'mined' }],
    ['everyStage: is true or false', { ...good, everyStage: 1 }],
    ['notAfter: has passed', { ...good, notAfter: seconds - 1 }],
    ['notAfter: has passed', { ...good, notAfter: new Date(0) }],
    ['notAfter: lies more than', { ...good, notAfter: Date.now() }],
    ['notAfter: is a Date', { ...good, notAfter: 'tomorrow' }],
    ['chian: unknown', { ...good, chian: 'eip155:1' }],
    ['chian, veil: unknown', { ...good, chian: 'eip155:1', veil: 1 }],
    ['parameters: is an object', undefined],
    ['parameters: is an object', [good]],
  ])('error: submit names what is wrong: %s', async (details, parameters) => {
    await expect(stage.client.submit(parameters as never)).rejects.toThrow(invalid(details))
  })

  it('error: options, and the parameters of the others', async () => {
    const { client } = stage
    await expect(client.submit(good, { timeoutMs: 0 })).rejects.toThrow(
      invalid('timeoutMs: is a whole number'),
    )
    await expect(client.submit(good, { timeoutMs: Infinity })).rejects.toThrow(invalid('timeoutMs'))
    await expect(client.submit(good, { signal: {} as never })).rejects.toThrow(
      invalid('signal: is an AbortSignal'),
    )
    await expect(client.submit(good, { onProgress: 1 as never })).rejects.toThrow(invalid('onProgress'))
    await expect(client.status({ submitId: 'ab' })).rejects.toThrow(invalid('submitId: is 32 hex digits'))
    await expect(client.status({ submitId: 'ab'.repeat(16), signedTx: '0x01' })).rejects.toThrow(
      invalid('chain: is needed'),
    )
    await expect(client.info({ broadcaster: 1 })).rejects.toThrow(
      invalid('broadcaster: is a whole number from 0 to 0'),
    )
    await expect(client.read({ chain: 'eip155:1', method: 'eth blockNumber' })).rejects.toThrow(
      invalid('method'),
    )
    await expect(client.read({ chain: 'eip155:1', method: 'm', params: [1n] })).rejects.toThrow(
      invalid('params'),
    )
    await expect(
      client.read({ chain: 'eip155:1', method: 'm', params: ['x'.repeat(17_000)] }),
    ).rejects.toThrow(invalid('params: is longer'))
  })

  it('error: an error never shows the value', async () => {
    const secret = 'deadbeef'.repeat(20)
    const error = await stage.client.submit({ ...good, signedTx: `0x02${secret}` }).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(VeilcastError)
    expect(JSON.stringify(error) + String(error)).not.toContain('deadbeef')
    expect(stage.broadcasters[0]!.asked).toHaveLength(0)
  })

  it('error: createClient names what is wrong', () => {
    const { dialer: mixnet, broadcasters } = stage
    const { address } = broadcasters[0]!
    const make = (options: object) => () =>
      createClient({ mixnet, broadcasters: [address], ...options } as never)
    expect(make({})).not.toThrow()
    expect(make({ mixnet: {} })).toThrow(invalid('mixnet: is a MixnetDialer'))
    expect(make({ broadcasters: [] })).toThrow(invalid('broadcasters: names no broadcaster'))
    expect(make({ broadcasters: [address, address] })).toThrow(invalid('broadcasters: names one twice'))
    expect(make({ broadcasters: [address, 'here'] })).toThrow(invalid('broadcasters[1]: A Nym address reads'))
    expect(make({ timing: { firstRepeatMs: 0 } })).toThrow(invalid('timing.firstRepeatMs'))
    expect(make({ timing: { firstRepeat: 1 } })).toThrow(invalid('timing.firstRepeat: unknown'))
    expect(make({ timing: null })).toThrow(invalid('timing: is an object'))
    expect(make({ broadcasters: [1] })).toThrow(invalid('broadcasters.0: is a Nym address'))
    expect(make({ timeout: 1 })).toThrow(invalid('timeout: unknown'))
  })
})
