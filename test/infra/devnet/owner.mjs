// A process that starts a chain and waits to be killed: node owner.mjs anvil | cosmos <home>
import { startAnvil, startCosmosChain } from '@veilcast/devnet'

const [chain, home] = process.argv.slice(2)
const started = chain === 'anvil' ? await startAnvil() : await startCosmosChain({ home, blockTimeMs: 100 })
process.stdout.write(`${started.rpcUrl}\n`)
