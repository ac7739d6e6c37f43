import { appendFileSync, readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { Job } from 'bullmq'

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

// The job that is called so cannot be delayed, and its error tells all that there is to tell: endpoints and messages.
const { moveToDelayed } = Job.prototype
Job.prototype.moveToDelayed = function (...more) {
  if (this.id !== 'handed') return moveToDelayed.apply(this, more)
  const config = readFileSync(process.argv[process.argv.indexOf('--config') + 1], 'utf8')
  throw new Error(`${config} ${readFileSync(process.env.VEILCAST_TEST_TAP, 'utf8')}`)
}
