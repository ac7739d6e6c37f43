import { describe, expect, it } from '@jest/globals'
import { parseChainId } from '@veilcast/shared/protocol'
import { createDisputes, maxDisputes } from '../../../broadcaster/dist/observability/disputes.js'
import { captureLogs } from '../../support/captureLogs.ts'

const chain = parseChainId('eip155:1')

describe('disputes', () => {
  it('are told of once for each height, and kept with what was first and last seen', () => {
    const { logger, lines } = captureLogs()
    const disputes = createDisputes(logger)
    for (const from of ['a', 'b', 'a']) disputes.note(chain, 8n, [from, from === 'a' ? 'b' : 'a'])
    disputes.note(chain, 7n, ['a', 'b'])
    disputes.note(chain, 8n, ['b', 'a'])
    expect(lines().map((line) => JSON.parse(line).height)).toEqual(['8', '7'])
    expect(disputes.of(chain).map(({ height }) => height)).toEqual([7n, 8n])
    expect(disputes.of(chain)[1]!.endpoints).toEqual(['b', 'a'])
    expect(disputes.of(parseChainId('eip155:2'))).toEqual([])
  })

  it('are bounded: the one seen longest ago goes', () => {
    const disputes = createDisputes(captureLogs().logger)
    for (let height = 0; height < maxDisputes; height++) disputes.note(chain, BigInt(height), ['a', 'b'])
    disputes.note(chain, 0n, ['a', 'b'])
    disputes.note(chain, 100n, ['a', 'b'])
    const heights = disputes.of(chain).map(({ height }) => height)
    expect(heights).toHaveLength(maxDisputes)
    expect(heights[0]).toBe(0n)
    expect(heights).not.toContain(1n)
  })
})
