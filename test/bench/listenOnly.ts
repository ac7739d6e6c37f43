import { join } from 'node:path'
import { createNymWasmListener } from '@veilcast/shared/mixnet/nym-wasm'

// What a broadcaster cannot start faster than: Node, and its transport until a round trip through the mixnet completed.
const [nymApiUrl = '', preferredGateway = '', folder = ''] = process.argv.slice(2)
const listener = createNymWasmListener({
  nymApiUrl,
  preferredGateway,
  identityFile: join(folder, 'nym.identity'),
})
process.once('SIGTERM', () => process.exit(0))
process.once('disconnect', () => process.exit(0))
await listener.start()
process.stdout.write('ready\n')
