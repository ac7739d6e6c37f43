import type { Stack } from './startStack.ts'

/** With --keep: what a curious person would do next. */
export function printWhatNext(
  { localnet, anvil, cosmos, broadcaster }: Stack,
  walletUrl: string | undefined,
): void {
  const network = `--nym-api ${localnet.nymApiUrl} --gateway ${localnet.preferredGateway}`
  const cosmosLine = cosmos ? `  ${cosmos.chainId}   ${cosmos.rpcUrl}\n` : ''
  // A stranger's key of a test chain: everybody knows it.
  const wallet = walletUrl
    ? `The example wallet: ${walletUrl}
  Import this test key, which has ether:
  ${testPhrase}
${cosmos ? `  and this one, which has ${cosmos.denom}:\n  ${cosmos.accounts[0]?.mnemonic ?? ''}\n` : ''}`
    : 'The example wallet in a page, set for this stack, where it is built:\n  npm run build -w client/examples/wallet\n'
  process.stdout.write(`Everything is left running until Ctrl-C.

Chains
  ${anvil.chainId}   ${anvil.rpcUrl}
${cosmosLine}
Dashboard   ${broadcaster.dashboard}/queues   ${broadcaster.dashboard}/readyz   ${broadcaster.dashboard}/metrics
Log         ${broadcaster.logFile}

${wallet}
Ask the broadcaster what it serves:
  npx veilcast info ${network} --broadcaster ${broadcaster.address}

Send a signed transaction of your own:
  npx veilcast submit ${network} --broadcaster ${broadcaster.address} \\
    --chain ${anvil.chainId} --tx 0x…

The configuration of this broadcaster: ${broadcaster.configFile}

`)
}

/** anvil's. */
const testPhrase = 'test test test test test test test test test test test junk'
