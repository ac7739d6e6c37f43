import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { callRpc } from './callRpc.ts'
import { type ProcessGroup, spawnGroup } from './spawnGroup.ts'

const pollMs = 50

/** Errors, and the line in which the RPC server tells its port. */
export const cometLogLevel = 'rpc-server:info,*:error'

/** Starts a node that logs at {@link cometLogLevel}; `ready` gives its RPC port once the first block is there. */
export function startCometNode(
  command: string,
  args: string[],
  options: { readonly onLine?: ((line: string) => void) | undefined; readonly env?: NodeJS.ProcessEnv },
): { group: ProcessGroup; ready: Promise<number> } {
  let listening = (_port: number): void => {}
  const bound = new Promise<number>((resolve) => {
    listening = resolve
  })
  const group = spawnGroup(command, args, {
    ...options,
    onLine: (line) => {
      const told = /RPC HTTP server on [^ ]*:(\d+)/.exec(line)?.[1]
      if (told) listening(Number(told))
      options.onLine?.(line)
    },
  })
  const ended = new AbortController()
  group.exited.then(() => ended.abort())
  const ready = bound.then(async (port) => {
    await untilFirstBlock(`http://127.0.0.1:${port}`, ended.signal)
    return port
  })
  // Whoever waits for it has been told by then that the node ended.
  ready.catch(() => {})
  return { group, ready }
}

/** CometBFT's pause after each block, in a home's config. */
export async function setBlockTime(home: string, blockTimeMs: number): Promise<void> {
  const path = join(home, 'config', 'config.toml')
  const config = await readFile(path, 'utf8')
  await writeFile(path, config.replace(/^timeout_commit = .*$/m, `timeout_commit = "${blockTimeMs}ms"`))
}

type Status = { sync_info: { latest_block_height: string } }

async function untilFirstBlock(rpcUrl: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    const status = await callRpc<Status>(rpcUrl, 'status', {}, signal).catch(() => undefined)
    if (Number(status?.sync_info.latest_block_height ?? 0) > 0) return
    await delay(pollMs, undefined, { signal })
  }
}
