// A wallet in a process of its own, which kills itself as a power cut would at the point that it is told.
import { createClient } from '@veilcast/client'
import { createFileJournal } from '@veilcast/client/journal/file'
import { createNymSocketDialer } from '@veilcast/client/nym-socket'

const { point, folder, url, broadcaster, chain, signedTx } = JSON.parse(process.argv[2])
const die = (here) => {
  if (here === point) process.kill(process.pid, 'SIGKILL')
}

const file = createFileJournal({ folder })
const journal = {
  ...file,
  async put(entry) {
    const written = file.put(entry)
    if (point === 'while it is noted') setImmediate(die, point)
    await written
    die('once it is noted')
  },
  async remove(id) {
    die('before it is removed')
    await file.remove(id)
  },
}
const dialer = createNymSocketDialer({ url })
const mixnet = {
  ...dialer,
  async send(...message) {
    await dialer.send(...message)
    die('once the message left')
  },
}
const client = createClient({ mixnet, broadcasters: [broadcaster], journal })
await client.start()
await client.submit(
  { chain, signedTx, everyStage: true },
  { onProgress: ({ stage }) => die(`at ${stage}`), timeoutMs: 20_000 },
)
await client.stop()
