import { createHash } from 'node:crypto'
import { expect, it } from '@jest/globals'
import { startCometBft } from '@veilcast/devnet'
import { cometBftOrSkip } from '../../support/devnetCosmos.ts'

type Committed = { hash: string; height: string }
type BlockResults = { txs_results: { code: number }[] }

for (const version of ['0.37', '1.0'] as const) {
  cometBftOrSkip(version, `startCometBft ${version}`, () => {
    it('default: includes a transaction under the hash of its bytes', async () => {
      const node = await startCometBft({ version, blockTimeMs: 100 })
      try {
        const status = await node.rpc<{ node_info: { version: string } }>('status')
        expect(status.node_info.version.startsWith(`${version}.`)).toBe(true)
        const tx = Buffer.from('veil=cast')
        const sent = { tx: tx.toString('base64') }
        const { hash, height } = await node.rpc<Committed>('broadcast_tx_commit', sent)
        expect(hash.toLowerCase()).toBe(createHash('sha256').update(tx).digest('hex'))
        const results = await node.rpc<BlockResults>('block_results', { height })
        expect(results.txs_results).toHaveLength(1)
      } finally {
        await node.stop()
      }
      await expect(node.rpc('status')).rejects.toThrow('fetch failed')
    }, 60_000)
  })
}
