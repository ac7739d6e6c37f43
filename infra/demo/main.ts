import { parseArgs } from 'node:util'
import { createClient } from '@veilcast/client'
import { createNymWasmDialer } from '@veilcast/shared/mixnet/nym-wasm'
import { createLifecycle } from './lifecycle.ts'
import { printResults } from './printResults.ts'
import { printWhatNext } from './printWhatNext.ts'
import { say } from './say.ts'
import { type Sent, sendPrivately } from './sendPrivately.ts'
import { serveWallet } from './serveWallet.ts'
import { signCosmosSend, signEvmTransfer } from './signTransactions.ts'
import { startStack } from './startStack.ts'

const help = `npm run demo [-- --keep]

Starts a local Nym network, an EVM and a Cosmos chain and a broadcaster on this machine, sends a signed transaction to each
chain through the mixnet, and shows the receipts as they come back.

  --keep    leave everything running until Ctrl-C, and say what to try next
  --help    this text`

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { keep: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  })
  if (values.help) {
    process.stdout.write(`${help}\n`)
    return 0
  }
  const life = createLifecycle()
  try {
    const stack = await startStack(life)
    const { localnet, anvil, cosmos, broadcaster } = stack

    const mixnet = createNymWasmDialer({
      nymApiUrl: localnet.nymApiUrl,
      preferredGateway: localnet.preferredGateway,
      // All of it shares this machine, where the network's hops alone would take half a core for two full streams.
      coverTraffic: 'light',
    })
    const client = createClient({ mixnet, broadcasters: [broadcaster.address] })
    life.onStop('client', () => client.stop())
    await client.start({ signal: life.signal })
    say('client: connected to the mixnet, light cover traffic on\n')

    const sent: Sent[] = [
      await sendPrivately(
        stack,
        client,
        'EVM transfer',
        anvil.chainId,
        await signEvmTransfer(anvil),
        life.signal,
      ),
    ]
    if (cosmos) {
      const signed = await signCosmosSend(cosmos)
      sent.push(await sendPrivately(stack, client, 'Cosmos MsgSend', cosmos.chainId, signed, life.signal))
    }
    printResults(sent)
    if (values.keep) {
      printWhatNext(stack, await serveWallet(stack, life))
      await life.interrupted
    }
    return 0
  } catch (error) {
    if (life.signal.aborted) return 130
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  } finally {
    await life.stopAll()
  }
}

process.exit(
  await main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${help}\n`)
    return 1
  }),
)
