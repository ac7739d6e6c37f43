/**
 * The service worker: it wakes for a message, an alarm or a start of the browser, and is ended when it has been idle for 30 s.
 * So it holds nothing: the client lives in the offscreen document, what is under way in that one's journal, and what was told of
 * a transaction in chrome.storage.
 */

let opening

/** The one document that holds the client. The browser ends it at its own end, and when the extension is updated. */
async function openClient() {
  const [open] = await chrome.runtime.getContexts({ contextTypes: ['OFFSCREEN_DOCUMENT'] })
  if (open) return
  opening ??= chrome.offscreen
    .createDocument({
      url: 'offscreen.html',
      reasons: ['WORKERS'],
      justification: 'The Nym client runs in a worker, and a service worker has none.',
    })
    .finally(() => {
      opening = undefined
    })
  await opening
}

chrome.runtime.onInstalled.addListener(() => {
  // Opens it again should it have crashed.
  chrome.alarms.create('open', { periodInMinutes: 1 })
  return openClient()
})
chrome.runtime.onStartup.addListener(openClient)
chrome.alarms.onAlarm.addListener(openClient)

chrome.runtime.onMessage.addListener((message, sender, respond) => {
  // Pages of the extension only: a content script speaks for the page that it is in.
  if (message?.to !== 'background' || !sender.url?.startsWith(chrome.runtime.getURL(''))) return
  const act = message.kind === 'submit' ? submit : note
  act(message).then(respond, ({ message }) => respond({ error: { message } }))
  return true
})

/** Answers as a node would: with the hash, once the broadcaster has it, or with why not. */
async function submit({ chain, signedTx }) {
  await openClient()
  return chrome.runtime.sendMessage({ to: 'client', kind: 'submit', chain, signedTx })
}

/** A key for each transaction, so that two notes at once do not overwrite each other. The answer says that it is written. */
async function note({ txId, stage, ok, error }) {
  await chrome.storage.local.set({ [`transaction ${txId}`]: { stage, ok, error } })
  return true
}
