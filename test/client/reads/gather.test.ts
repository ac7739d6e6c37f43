import { afterEach, describe, expect, it } from '@jest/globals'
import { VeilcastError } from '@veilcast/client'
import { requestPackets } from '@veilcast/shared/mixnet'
import { encodeRequest } from '@veilcast/shared/protocol'
import fc from 'fast-check'
import { createPublicClient, custom, encodeFunctionResult, erc20Abi, multicall3Abi } from 'viem'
import { mainnet } from 'viem/chains'
import { patient, type Stage, setStage } from '../../support/client.ts'
import { answering, failed, json, readsOf } from '../../support/reads.ts'
import { until } from '../../support/until.ts'

const chain = 'eip155:1'
const address = `0x${'11'.repeat(20)}` as const
const timing = patient

let stage: Stage
afterEach(() => stage?.close())
const asked = (broadcaster = 0) => stage.broadcasters[broadcaster]!.asked
const methods = () => asked().map((one) => readsOf(one).map(({ method }) => method))
const echo = answering(({ method, params }) => json([method, params]))

describe('reads made together', () => {
  it('default: one message up in one packet, and each caller its own answer', async () => {
    stage = await setStage([echo], { timing })
    const calls = ['eth_getTransactionCount', 'eth_gasPrice', 'eth_estimateGas', 'eth_chainId']
    const answers = await Promise.all(
      calls.map((method, index) => stage.client.read({ chain, method, params: [index] })),
    )
    expect(answers).toEqual(calls.map((method, index) => [method, [index]]))
    expect(methods()).toEqual([calls])
    expect(stage.client.reads).toMatchObject({ asked: 4, sent: 1, received: 1, packetsUp: 1, packetsDown: 1 })
  })

  it('behavior: some that come after a few awaits, or after a turn of the event loop, still travel along', async () => {
    stage = await setStage([echo], { timing })
    const later = async () => {
      for (let turn = 0; turn < 30; turn++) await undefined
      await stage.client.read({ chain, method: 'b' })
      return 'done'
    }
    const nextTurn = () =>
      new Promise((resolve) => setTimeout(() => resolve(stage.client.read({ chain, method: 'c' })), 0))
    await Promise.all([stage.client.read({ chain, method: 'a' }), later(), nextTurn()])
    expect(methods()).toEqual([['a', 'b', 'c']])
  })

  it("behavior: viem's batch.multicall, and what is asked beside it", async () => {
    const aggregated = encodeFunctionResult({
      abi: multicall3Abi,
      functionName: 'aggregate3',
      result: [1, 2].map((value) => ({
        success: true,
        returnData: `0x${value.toString(16).padStart(64, '0')}` as const,
      })),
    })
    stage = await setStage([answering(({ method }) => json(method === 'eth_call' ? aggregated : '0x5'))], {
      timing,
    })
    const viem = createPublicClient({
      chain: mainnet,
      batch: { multicall: true },
      transport: custom({ request: ({ method, params }) => stage.client.read({ chain, method, params }) }),
    })
    const balanceOf = (of: `0x${string}`) =>
      viem.readContract({ abi: erc20Abi, address, functionName: 'balanceOf', args: [of] })
    expect(
      await Promise.all([
        viem.getGasPrice(),
        balanceOf(address),
        balanceOf(`0x${'22'.repeat(20)}`),
        viem.getTransactionCount({ address }),
      ]),
    ).toEqual([5n, 1n, 2n, 5])
    expect(methods()).toEqual([['eth_gasPrice', 'eth_getTransactionCount', 'eth_call']])
  })

  it('behavior: 33 go up in two messages, and so do two chains', async () => {
    stage = await setStage([echo], { timing })
    await Promise.all(
      Array.from({ length: 33 }, (_, index) => stage.client.read({ chain, method: 'm', params: [index] })),
    )
    expect(methods().map(({ length }) => length)).toEqual([32, 1])
    await Promise.all([
      stage.client.read({ chain, method: 'm' }),
      stage.client.read({ chain: 'cosmos:hub', method: 'status', params: {} }),
    ])
    expect(methods().slice(2)).toEqual([['m'], ['status']])
  })

  it('behavior: equal ones are asked once, whatever the order of their names, and nobody sees what another does to the answer', async () => {
    stage = await setStage([echo], { timing })
    const read = (params: object) =>
      stage.client.read({ chain, method: 'eth_call', params: [params] }) as Promise<[string, object[]]>
    const first = read({ to: address, data: '0x' })
    const second = read({ data: '0x', to: address })
    await stage.broadcasters[0]!.had(1)
    expect(asked()).toHaveLength(1)
    const answers = await Promise.all([first, second, read({ data: '0x01', to: address })])
    expect(answers.map(([, [params]]) => params)).toEqual([
      { data: '0x', to: address },
      { data: '0x', to: address },
      { data: '0x01', to: address },
    ])
    answers[0]![1].length = 0
    expect(answers[1]![1]).toHaveLength(1)
    expect(asked().map((one) => readsOf(one).length)).toEqual([1, 1])
    expect(stage.client.reads).toMatchObject({ asked: 3, shared: 1, sent: 2 })
  })

  it('error: one that is refused, or reverted, leaves the others alone', async () => {
    stage = await setStage(
      [
        answering(({ method }) => {
          if (method === 'no') return failed('methodNotAllowed')
          if (method === 'reverts') return { kind: 'reverted', data: Uint8Array.of(8, 195, 121, 160) }
          return json('0x1')
        }),
      ],
      { timing },
    )
    const [good, refused, reverted] = await Promise.allSettled(
      ['yes', 'no', 'reverts'].map((method) => stage.client.read({ chain, method })),
    )
    expect(good).toEqual({ status: 'fulfilled', value: '0x1' })
    expect(refused).toMatchObject({
      reason: { errorName: 'methodNotAllowed', code: 4200, outcome: 'notSent' },
    })
    expect(reverted).toMatchObject({
      reason: { errorName: 'callReverted', code: 3, data: '0x08c379a0', outcome: 'notSent' },
    })
    expect(asked()).toHaveLength(1)
  })

  it('error: who asks for more at once than is kept count of is told so', async () => {
    stage = await setStage([() => undefined], { timing })
    const all = Array.from({ length: 4_097 }, (_, index) =>
      stage.client
        .read({ chain, method: 'm', params: [index] })
        .catch((error: VeilcastError) => error.errorName),
    )
    expect(await all.at(-1)).toBe('tooManyPending')
    await stage.client.stop()
    expect(new Set(await Promise.all(all))).toEqual(new Set(['tooManyPending', 'clientStopped']))
  })
})

describe('the books', () => {
  /** What a broadcaster says of a key, by its number: two broadcasters, the first of which knows less. */
  const answerOf = (params: number[], broadcaster: number, known: boolean) => {
    const [key = 0] = params
    if (key % 5 === 1) return failed('methodNotAllowed')
    if (key % 5 === 2) return { kind: 'reverted', data: Uint8Array.of(key) } as const
    if (key % 5 === 3 && broadcaster === 0) return failed('noLiveEndpoint')
    if (key % 5 === 4 && !known)
      return failed('answerTooLarge', { sizeBytes: 2_000 + key, limitBytes: 1_570 })
    return json({ key, text: 'x'.repeat(key) })
  }
  const expected = (key: number) => {
    if (key % 5 === 1) return 'methodNotAllowed'
    return key % 5 === 2 ? 'callReverted' : { key, text: 'x'.repeat(key) }
  }

  it('property: whoever asks, gives up, asks again and shares: each hears of its own question, and no message holds one twice', async () => {
    const script = (broadcaster: number) => {
      const seen = new Set<number>()
      return answering(
        ({ params }) => {
          const [key = 0] = params as number[]
          const known = seen.has(key)
          seen.add(key)
          return answerOf(params as number[], broadcaster, known)
        },
        { freshMs: 3 },
      )
    }
    stage = await setStage([script(0), script(1)], { timing })
    const { client } = stage
    const action = fc.record({
      key: fc.nat({ max: 60 }),
      chain: fc.constantFrom('eip155:1', 'eip155:2'),
      afterMs: fc.nat({ max: 12 }),
      abortAfterMs: fc.option(fc.nat({ max: 8 })),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 1, maxLength: 120 }), async (actions) => {
        const before = { ...client.reads }
        const heard = await Promise.all(
          actions.map(async ({ key, chain, afterMs, abortAfterMs }) => {
            await new Promise((resolve) => setTimeout(resolve, afterMs))
            const aborter = new AbortController()
            if (abortAfterMs !== null) setTimeout(() => aborter.abort(), abortAfterMs)
            try {
              return await client.read({ chain, method: 'm', params: [key] }, { signal: aborter.signal })
            } catch (error) {
              if (!(error instanceof VeilcastError)) throw error
              expect(error.outcome).toBe('notSent')
              return error.errorName
            }
          }),
        )
        for (const [index, { key, abortAfterMs }] of actions.entries()) {
          const fine = [expected(key), ...(abortAfterMs === null ? [] : ['aborted', 'abortedBeforeSending'])]
          expect(fine).toContainEqual(heard[index])
        }
        const { asked, fromMemory, shared } = client.reads
        expect(asked - before.asked).toBe(actions.length)
        expect(fromMemory + shared - before.fromMemory - before.shared).toBeLessThanOrEqual(actions.length)
      }),
      { numRuns: 40 },
    )
    for (const { asked: messages } of stage.broadcasters) {
      for (const one of messages) {
        const keys = readsOf(one).map(({ params }) => (params as number[])[0])
        expect(new Set(keys).size).toBe(keys.length)
        expect(keys.length).toBeLessThanOrEqual(32)
      }
    }
    // Only what the first could not answer came to the second, unless that one had become the first to be asked.
    expect(stage.broadcasters[1]!.asked.length).toBeGreaterThan(0)
    const { sent, packetsUp } = client.reads
    const arrived = () => stage.broadcasters.flatMap(({ asked: messages }) => messages)
    // What was given up last may still be on its way.
    await until(() => arrived().length >= sent)
    const all = arrived()
    expect(all).toHaveLength(sent)
    expect(packetsUp).toBe(
      all.reduce((sum, { request }) => sum + requestPackets(encodeRequest(request).length, request.surbs), 0),
    )
  })
})
