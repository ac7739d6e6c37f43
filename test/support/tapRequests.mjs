import { appendFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'

// Loaded before a broadcaster with `--import`: notes what its mixnet client hands it, so that a test knows sender tags, which never
// leave the process. One line of JSON each, in the file that VEILCAST_TEST_TAP names.

const { emit } = Worker.prototype
Worker.prototype.emit = function (event, message, ...more) {
  if (event === 'message' && message?.type === 'received') {
    const payload = Buffer.from(message.payload).toString('hex')
    appendFileSync(process.env.VEILCAST_TEST_TAP, `${JSON.stringify({ payload, tag: message.replyTo })}\n`)
  }
  return emit.call(this, event, message, ...more)
}
