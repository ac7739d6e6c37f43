import dgram from 'node:dgram'
import dns from 'node:dns'
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import tls from 'node:tls'
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { accepted, included, quick, type Stage, setStage, signTransfer, silent } from '../support/client.ts'

/** Every way out of a Node process; name resolution counts. */
const waysOut: readonly [object, string][] = [
  [net, 'connect'],
  [net, 'createConnection'],
  [net.Socket.prototype, 'connect'],
  [tls, 'connect'],
  [http, 'request'],
  [http, 'get'],
  [https, 'request'],
  [https, 'get'],
  [dgram, 'createSocket'],
  [dns, 'lookup'],
  [dns, 'resolve'],
  [dns.promises, 'lookup'],
  [dns.promises, 'resolve'],
  [globalThis, 'fetch'],
]

describe('fail closed: nothing leaves but through the mixnet', () => {
  let tried: string[]
  let stage: Stage

  beforeEach(() => {
    tried = []
    for (const [where, name] of waysOut) {
      jest.spyOn(where as Record<string, () => never>, name).mockImplementation(() => {
        tried.push(name)
        throw new Error('There is no way out.')
      })
    }
  })
  afterEach(async () => {
    await stage?.close()
    jest.restoreAllMocks()
  })

  it('the trap is set', () => {
    expect(() => net.connect(1)).toThrow('no way out')
    expect(tried).toEqual(['connect'])
  })

  it.each([
    ['an answer', true],
    ['silence', false],
  ])('with %s, and with a mixnet that cannot be reached', async (_, answers) => {
    const { hash, chain, signedTx } = await signTransfer()
    stage = await setStage(
      [
        answers
          ? (asked) => {
              asked.state(accepted, 1)
              asked.state(included, 2)
            }
          : silent,
      ],
      {},
      hash,
    )
    const options = { timeoutMs: 4 * quick.maxRepeatMs }
    const ask = async () => {
      const read = { chain, method: 'eth_getBalance', params: ['0x00', 'latest'] }
      await stage.client.submit({ chain, signedTx }, options).catch(silent)
      await stage.client.status({ submitId: 'ab'.repeat(16) }, options).catch(silent)
      await stage.client.info({}, options).catch(silent)
      await stage.client.read(read, options).catch(silent)
    }
    await ask()
    expect(stage.broadcasters[0]!.asked.length).toBeGreaterThan(3)
    stage.loopback.set({ unreachable: true })
    await expect(stage.client.submit({ chain, signedTx }, options)).rejects.toMatchObject({
      errorName: 'mixnetUnavailable',
      outcome: 'notSent',
    })
    expect(tried).toEqual([])
  })
})
