import { Worker } from 'node:worker_threads'
import { createBacklog, packetsOf } from '../link/backlog.ts'
import type { Incoming, Link, LinkEvents } from '../link/Link.ts'
import { packetMs } from '../link/sealedConfig.ts'
import { MixnetError } from '../Mixnet.ts'
import type { FromWorker, ToWorker, WorkerTask } from './messages.ts'

/** One Nym client in one worker thread: its link, and what makes it the same client again in another thread. */
export interface OpenedNymWasm {
  readonly link: Link
  readonly identity: Uint8Array | undefined
}

/** @param maxBacklogMs above it messages are refused as `overloaded` */
export async function openNymWasm(
  task: WorkerTask,
  maxBacklogMs: number,
  events: LinkEvents,
  signal: AbortSignal,
): Promise<OpenedNymWasm> {
  signal.throwIfAborted()
  const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: task, execArgv: [] })
  const waiting = new Map<number, { resolve: () => void; reject: (reason: unknown) => void }>()
  const backlog = createBacklog(packetMs(task.traffic))
  let sent = 0
  const close = async () => {
    await worker.terminate()
    const gone = new Error('The Nym client is gone.')
    for (const { reject } of waiting.values()) reject(gone)
    waiting.clear()
  }
  const abort = () => void close()
  signal.addEventListener('abort', abort, { once: true })

  try {
    const { address, identity } = await new Promise<FromWorker & { type: 'connected' }>((resolve, reject) => {
      worker.on('message', (message: FromWorker) => {
        switch (message.type) {
          case 'connected':
            return resolve(message)
          case 'failed':
            reject(message.kind ? new MixnetError(message.kind, message.text) : new Error(message.text))
            return events.lost()
          case 'received':
            return events.receive(withoutType(message))
          case 'taken':
            waiting.get(message.id)?.resolve()
            return void waiting.delete(message.id)
          case 'refused':
            waiting
              .get(message.id)
              ?.reject(new MixnetError('unreachable', 'The Nym client refused the message.'))
            return void waiting.delete(message.id)
          case 'lost':
            reject(new Error('The gateway closed the connection.'))
            return events.lost()
        }
      })
      worker.on('error', (error) => {
        reject(error)
        events.lost()
      })
      worker.on('exit', () => {
        reject(signal.aborted ? signal.reason : new Error('The thread of the Nym client ended.'))
        events.lost()
      })
    })

    return {
      identity,
      link: {
        address,
        carry(message) {
          if (backlog.ms() > maxBacklogMs) {
            return Promise.reject(
              new MixnetError('overloaded', 'More is to be sent than the pacing lets out.'),
            )
          }
          backlog.add(packetsOf(message))
          const id = sent++
          return new Promise((resolve, reject) => {
            waiting.set(id, { resolve, reject })
            worker.postMessage({ id, message } satisfies ToWorker)
          })
        },
        close,
        backlogMs: backlog.ms,
      },
    }
  } catch (error) {
    await close()
    throw error
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

function withoutType({ payload, replyTo }: Incoming): Incoming {
  return replyTo === undefined ? { payload } : { payload, replyTo }
}
