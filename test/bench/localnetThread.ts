import { parentPort } from 'node:worker_threads'
import { startLocalnet } from '@veilcast/localnet'

// The network in a thread of its own, so that its hops do not hold up whoever is timed.
const { nymApiUrl, preferredGateway } = await startLocalnet()
parentPort?.postMessage({ nymApiUrl, preferredGateway })
