import { describe, expect, it } from '@jest/globals'
import { catalogue, type ErrorName, findVeilcastError, VeilcastError } from '@veilcast/shared/errors'
import type { BaseError } from 'viem'
import { buildRequest } from 'viem/utils'

/** But for the one whose code is what every node gives: the adapter makes viem's own error of it. */
const names = (Object.keys(catalogue) as ErrorName[]).filter((name) => name !== 'callReverted')

/** What viem makes of a transport that throws, with three retries allowed. */
async function throughViem(thrown: Error): Promise<{ calls: number; error: unknown }> {
  let calls = 0
  const request = buildRequest(
    () => {
      calls++
      return Promise.reject(thrown)
    },
    { retryCount: 3, retryDelay: 0 },
  )
  const error = await request({ method: 'eth_sendRawTransaction' } as never).catch((error: unknown) => error)
  return { calls, error }
}

describe("viem's own retry", () => {
  it.each(names)('%s: viem asks once, and the error is found again under what it throws', async (name) => {
    const thrown = new VeilcastError(name, { details: 'Ours.' })
    const { calls, error } = await throughViem(thrown)
    expect(calls).toBe(1)
    expect(findVeilcastError(error)).toBe(thrown)
    expect((error as BaseError).walk((each) => each instanceof VeilcastError)).toBe(thrown)
  })

  it('retries what has no code or one that it does not know, which is why each of ours has one that it knows', async () => {
    expect((await throughViem(new Error('no code'))).calls).toBe(4)
    expect((await throughViem(Object.assign(new Error('odd'), { code: 3 }))).calls).toBe(4)
    expect((await throughViem(new VeilcastError('callReverted'))).calls).toBe(4)
  })
})
