const [form] = document.forms
const output = document.querySelector('output')
const list = document.querySelector('ul')

form.onsubmit = async (event) => {
  event.preventDefault()
  const { chain, signedTx } = Object.fromEntries(new FormData(form))
  output.textContent = 'sending'
  const { txId, error } = await chrome.runtime.sendMessage({
    to: 'background',
    kind: 'submit',
    chain,
    signedTx,
  })
  output.textContent = error ? error.message : txId
}

/** What became of each, from the storage: also of what was sent before the browser was closed. */
async function show() {
  const kept = Object.entries(await chrome.storage.local.get()).filter(([key]) =>
    key.startsWith('transaction '),
  )
  list.replaceChildren(
    ...kept.map(([key, { stage, error }]) =>
      Object.assign(document.createElement('li'), { textContent: `${key} ${stage ?? error.message}` }),
    ),
  )
}
chrome.storage.onChanged.addListener(show)
await show()
