import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type CosmosChain, CosmosChainUnavailable, startCosmosChain } from '@veilcast/devnet'
import { cosmosOrSkip } from '../../support/devnetCosmos.ts'
import { signMsgSend } from '../../support/devnetSign.ts'

type Status = { node_info: { network: string }; sync_info: { latest_block_height: string } }
type Included = { height: string; tx_result: { code: number } }

const heightOf = async (chain: CosmosChain) =>
  Number((await chain.rpc<Status>('status')).sync_info.latest_block_height)

async function untilHeight(chain: CosmosChain, height: number) {
  while ((await heightOf(chain)) < height) await new Promise((resolve) => setTimeout(resolve, 50))
}

async function broadcast(chain: CosmosChain, raw: Uint8Array) {
  return chain.rpc<{ code: number; hash: string; log: string }>('broadcast_tx_sync', {
    tx: Buffer.from(raw).toString('base64'),
  })
}

async function untilIncluded(chain: CosmosChain, hash: string): Promise<Included> {
  const tx = Buffer.from(hash, 'hex').toString('base64')
  for (;;) {
    const included = await chain.rpc<Included>('tx', { hash: tx }).catch(() => undefined)
    if (included) return included
    await untilHeight(chain, (await heightOf(chain)) + 1)
  }
}

cosmosOrSkip('startCosmosChain', () => {
  let chain: CosmosChain
  beforeAll(async () => {
    chain = await startCosmosChain({ blockTimeMs: 200 })
  }, 60_000)
  afterAll(() => chain.stop())

  it('default: includes a signed MsgSend under the hash of its bytes', async () => {
    const [alice, bob] = chain.accounts
    const raw = await signMsgSend(chain, { from: alice!, to: bob!.address, amount: 25 })
    const { code, hash, log } = await broadcast(chain, raw)
    expect({ code, log }).toEqual({ code: 0, log: '' })
    expect(hash.toLowerCase()).toBe(createHash('sha256').update(raw).digest('hex'))
    expect((await untilIncluded(chain, hash)).tx_result.code).toBe(0)
    expect((await chain.rpc<Status>('status')).node_info.network).toBe('veilcast-dev-1')
    expect(chain.chainId).toBe('cosmos:veilcast-dev-1')
  })

  it('behavior: sequences that follow one another are included in order', async () => {
    const [, bob, , dave] = chain.accounts
    const hashes: string[] = []
    for (const sequence of [0, 1, 2]) {
      // The validator is account 0, alice 1, bob 2.
      const send = { from: bob!, to: dave!.address, amount: 1, accountNumber: 2, sequence }
      const { code, hash } = await broadcast(chain, await signMsgSend(chain, send))
      expect(code).toBe(0)
      hashes.push(hash)
    }
    const heights: number[] = []
    for (const hash of hashes) heights.push(Number((await untilIncluded(chain, hash)).height))
    expect(heights).toEqual([...heights].sort((a, b) => a - b))
  })

  it('behavior: a sequence from the past and a fee too low are refused', async () => {
    const [alice, bob, carol] = chain.accounts
    await untilIncluded(
      chain,
      (await broadcast(chain, await signMsgSend(chain, { from: carol!, to: bob!.address, amount: 1 }))).hash,
    )
    const stale = await signMsgSend(chain, { from: carol!, to: bob!.address, amount: 2, sequence: 0 })
    expect(await broadcast(chain, stale)).toMatchObject({
      code: 32,
      log: expect.stringContaining('account sequence mismatch'),
    })
    const cheap = await signMsgSend(
      { ...chain, gasPrice: '0.0001stake' },
      { from: alice!, to: bob!.address, amount: 2 },
    )
    expect(await broadcast(chain, cheap)).toMatchObject({ code: 13 })
  })

  it('behavior: a halted chain refuses connections and resumes at the same port with its state', async () => {
    await untilHeight(chain, 2)
    const before = await heightOf(chain)
    await chain.halt()
    await expect(chain.rpc('status')).rejects.toThrow('fetch failed')
    await chain.resume()
    await untilHeight(chain, before + 1)
  })

  it('behavior: a home keeps the chain; two chains in it at once are refused; stop leaves no process', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'devnet-home-'))
    try {
      const home = join(folder, 'chain')
      const first = await startCosmosChain({ home, blockTimeMs: 100 })
      await expect(startCosmosChain({ home })).rejects.toThrow('runs a chain in')
      await untilHeight(first, 4)
      const { accounts } = first
      await first.stop()
      await first.exited
      await expect(first.rpc('status')).rejects.toThrow('fetch failed')
      const second = await startCosmosChain({ home, blockTimeMs: 100 })
      expect(await heightOf(second)).toBeGreaterThanOrEqual(4)
      expect(second.accounts).toEqual(accounts)
      await second.stop()
    } finally {
      await rm(folder, { recursive: true })
    }
  }, 60_000)

  it('behavior: a temporary home is gone after stop', async () => {
    const brief = await startCosmosChain({ blockTimeMs: 100 })
    expect(existsSync(brief.home)).toBe(true)
    await brief.stop()
    expect(existsSync(join(brief.home, '..'))).toBe(false)
  }, 60_000)
})

describe('startCosmosChain', () => {
  it('behavior: a binary that is not there is refused in one line', async () => {
    const starting = startCosmosChain({ binary: '/nowhere/simd' })
    await expect(starting).rejects.toThrow(CosmosChainUnavailable)
    await expect(starting).rejects.toThrow(/^.*\/nowhere\/simd$/)
  })
})
