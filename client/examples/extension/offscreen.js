import { createClient, findVeilcastError } from '@veilcast/client'
import { createIndexedDbJournal } from '@veilcast/client/journal/indexed-db'
import { createNymSdkDialer } from '@veilcast/client/nym-sdk'

const dayMs = 86_400_000
const opened = open()

chrome.runtime.onMessage.addListener((message, sender, respond) => {
  if (message?.to !== 'client' || !sender.url?.startsWith(chrome.runtime.getURL(''))) return
  submit(message).then(respond, ({ message }) => respond({ error: { message } }))
  return true
})

async function open() {
  const { broadcasters, ...network } = await (await fetch('config.json')).json()
  const client = createClient({
    mixnet: createNymSdkDialer(network),
    broadcasters,
    journal: createIndexedDbJournal(),
  })
  for (let pauseMs = 1_000; ; pauseMs = Math.min(2 * pauseMs, 60_000)) {
    try {
      await client.start()
      break
    } catch {
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }
  // What was under way when the browser was closed, or crashed.
  client
    .resume({
      timeoutMs: dayMs,
      onResumed: ({ txId, receipt, error }) => tell(txId, receipt, error),
    })
    .catch(({ shortMessage }) => console.warn(shortMessage))
  return client
}

async function submit({ chain, signedTx }) {
  const client = await opened
  return new Promise((resolve) => {
    const onProgress = ({ txId, state }) => {
      if (!state) return
      resolve({ txId })
      tell(txId, { stage: state.stage }).catch(() => undefined)
    }
    const onEnded = ({ txId, receipt, error }) => tell(txId, receipt, error)
    client
      .submit({ chain, signedTx, everyStage: true }, { timeoutMs: dayMs, onProgress, onEnded })
      .catch((error) => resolve({ error: plain(error) }))
  })
}

/** Wakes the service worker, and resolves once it has written it down: an entry of the journal stays until then. */
async function tell(txId, receipt, error) {
  const told = error ? { error: plain(error) } : { stage: receipt.stage, ok: receipt.ok }
  const isWritten = await chrome.runtime.sendMessage({ to: 'background', kind: 'note', txId, ...told })
  if (isWritten !== true) throw new Error('The service worker did not write it down.')
}

function plain(error) {
  const { errorName, outcome, shortMessage } = findVeilcastError(error) ?? {}
  return { name: errorName, outcome, message: shortMessage ?? 'It failed.' }
}
