/** The inside of rawNymClient.ts: Nym's own client, with whatever settings it is given. */
const { parentPort, workerData } = require('node:worker_threads')
require('fake-indexeddb/auto')
globalThis.WebSocket = require('ws').WebSocket
const nym = require('@nymproject/nym-client-wasm-node')

process.on('uncaughtException', () => {})

const tagOf = (tag) => {
  const memory = new Uint8Array(nym.__wasm.memory.buffer, tag.__wbg_ptr + 4, 16)
  return Buffer.from(memory).toString('hex')
}

/** Writes other keys over the client's own, wherever it keeps them: what it says of itself is then not true. */
const rewrite = (changes) => {
  const memory = Buffer.from(nym.__wasm.memory.buffer)
  let count = 0
  for (const [from, to] of changes) {
    for (let at = memory.indexOf(from); at >= 0; at = memory.indexOf(from, at + 1)) {
      memory.set(to, at)
      count += 1
    }
  }
  return count
}

const main = async () => {
  const client = await new nym.NymClient((payload, tag) => {
    parentPort.postMessage({ type: 'message', payload: Uint8Array.from(payload), tag: tag && tagOf(tag) })
  }, workerData.options)
  parentPort.on('message', async (order) => {
    let done
    if (order.do === 'sendAnonymous')
      await client.send_anonymous_message(order.payload, order.to, order.surbs)
    if (order.do === 'reply') await client.send_reply(order.payload, order.tag)
    if (order.do === 'rewrite') done = rewrite(order.changes)
    parentPort.postMessage({ type: 'done', id: order.id, done })
  })
  parentPort.postMessage({ type: 'ready', address: client.selfAddress() })
}

main()
