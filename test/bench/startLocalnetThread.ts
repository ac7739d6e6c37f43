import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

/** Where clients find a local network. */
export interface NetworkPlace {
  readonly nymApiUrl: string
  readonly preferredGateway: string
}

export async function startLocalnetThread(): Promise<NetworkPlace & { stop(): Promise<unknown> }> {
  const worker = new Worker(new URL('./localnetThread.js', import.meta.url), { execArgv: [] })
  const [place] = (await once(worker, 'message')) as [NetworkPlace]
  return { ...place, stop: () => worker.terminate() }
}
