import { describe, expect, it } from '@jest/globals'
import { createWalletClient, http } from 'viem'
import { describeError } from '../../../broadcaster/dist/observability/logger.js'
import { StoreError } from '../../../broadcaster/dist/store/TxStore.js'

const url = 'http://127.0.0.1:9/key-5f2c81d09a'
const rawTx = `0x02f8${'ab'.repeat(60)}` as const

describe('describeError', () => {
  it('default: our own text', () => {
    expect(describeError(new StoreError('Redis could not answer: ECONNREFUSED.'))).toEqual({
      name: 'StoreError',
      message: 'Redis could not answer: ECONNREFUSED.',
    })
  })

  it("behavior: of a node's client, whose text holds its URL and the transaction, the class alone", async () => {
    const client = createWalletClient({ transport: http(url, { retryCount: 0 }) })
    const error = await client.sendRawTransaction({ serializedTransaction: rawTx }).catch((thrown) => thrown)
    // What must not be said is there to be said.
    expect(String(error)).toContain(url)
    expect(JSON.stringify(describeError(error))).not.toMatch(/key-5f2c|02f8/)
    expect(Object.keys(describeError(error))).toEqual(['name'])
  })

  it('behavior: of a system call what it was and its code, and not whom it called', () => {
    const refused = Object.assign(new Error(`connect ECONNREFUSED ${url}`), {
      code: 'ECONNREFUSED',
      syscall: 'connect',
      address: url,
    })
    expect(describeError(refused)).toEqual({ name: 'Error', message: 'connect failed: ECONNREFUSED' })
  })

  it.each([
    ['a cause', Object.assign(new StoreError('It failed.'), { cause: new Error(url) })],
    ['a name that is none', Object.assign(new Error('x'), { name: url })],
    ['a code that is none', Object.assign(new Error('x'), { code: url, syscall: 'connect' })],
    [
      'a system call that is none',
      Object.assign(new Error('x'), { code: 'ENOENT', syscall: `spawn ${url}` }),
    ],
    ['many errors in one', new AggregateError([new Error(url)], url)],
    ['no error at all', url],
  ])('behavior: says nothing more of %s', (_, thrown) => {
    expect(JSON.stringify(describeError(thrown))).not.toContain('key-5f2c')
  })
})
