import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import type { Lifecycle } from './lifecycle.ts'
import type { Stack } from './startStack.ts'

const page = fileURLToPath(new URL('../../../client/examples/wallet/', import.meta.url))

/** Serves the example wallet, set for this stack. Undefined where it is not built. */
export async function serveWallet(stack: Stack, life: Lifecycle): Promise<string | undefined> {
  if (!existsSync(join(page, 'dist/index.html'))) return undefined
  const configFile = join(dirname(stack.broadcaster.configFile), 'wallet.json')
  await writeFile(configFile, JSON.stringify(walletConfig(stack), null, 2))
  const vite = join(dirname(createRequire(import.meta.url).resolve('vite/package.json')), 'bin/vite.js')
  const child = spawn(process.execPath, [vite, 'preview', '--host', '127.0.0.1', '--port', '0'], {
    cwd: page,
    env: { ...process.env, NO_COLOR: '1', VEILCAST_WALLET_CONFIG: configFile },
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const stopWithUs = (): void => void child.kill('SIGTERM')
  process.once('exit', stopWithUs)
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  life.onStop('example wallet', async () => {
    child.kill('SIGTERM')
    await exited
    process.off('exit', stopWithUs)
  })
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /http:\/\/127\.0\.0\.1:\d+\//.exec(stripVTControlCharacters(line))?.[0]
    if (url) return url
  }
  return undefined
}

function walletConfig({ localnet, anvil, cosmos, broadcaster }: Stack): object {
  return {
    nymApiUrl: localnet.nymApiUrl,
    gateway: localnet.preferredGateway,
    gatewayUrl: localnet.gatewayUrl,
    broadcasters: [broadcaster.address],
    chains: [
      { chain: anvil.chainId, name: 'Local EVM chain', symbol: 'ETH', decimals: 18 },
      ...(cosmos
        ? [
            {
              chain: cosmos.chainId,
              name: 'Local Cosmos chain',
              symbol: cosmos.denom.toUpperCase(),
              decimals: 6,
              denom: cosmos.denom,
              bech32Prefix: cosmos.bech32Prefix,
              gasPrice: cosmos.gasPrice.slice(0, -cosmos.denom.length),
            },
          ]
        : []),
    ],
  }
}
