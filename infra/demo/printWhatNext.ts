import type { Stack } from './startStack.ts'

/** With --keep: what a curious person would do next. */
export function printWhatNext({ localnet, anvil, cosmos, broadcaster }: Stack): void {
  const network = `--nym-api ${localnet.nymApiUrl} --gateway ${localnet.preferredGateway}`
  const cosmosLine = cosmos ? `  ${cosmos.chainId}   ${cosmos.rpcUrl}\n` : ''
  process.stdout.write(`Everything is left running until Ctrl-C.

Chains
  ${anvil.chainId}   ${anvil.rpcUrl}
${cosmosLine}
Dashboard   ${broadcaster.dashboard}/queues   ${broadcaster.dashboard}/readyz   ${broadcaster.dashboard}/metrics
Log         ${broadcaster.logFile}

Ask the broadcaster what it serves:
  npx veilcast info ${network} --broadcaster ${broadcaster.address}

Send a signed transaction of your own:
  npx veilcast submit ${network} --broadcaster ${broadcaster.address} \\
    --chain ${anvil.chainId} --tx 0x…

The configuration of this broadcaster: ${broadcaster.configFile}

`)
}
