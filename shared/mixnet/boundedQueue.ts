import type { MixnetRequest } from './Mixnet.ts'

export interface BoundedQueueOptions<T> {
  readonly maxItems: number
  readonly maxBytes: number
  readonly bytesOf: (item: T) => number
  readonly whenFull: 'dropOldest' | 'dropNewest'
}

export interface BoundedQueue<T> {
  /** False if something, this item or an older one, was dropped to stay within the limits. */
  push(item: T): boolean
  /** Ends the iterator at once; what nobody has read yet is dropped. Idempotent. */
  end(): void
  /** Takes items again after `end`, for a new consumer. */
  reopen(): void
  /** The one consumer. Throws while there is another; leaving its loop makes room for the next. */
  consume(): AsyncIterable<T>
}

/** Items between a transport that cannot wait and a reader that may be slow, limited in number and in bytes. Open at first. */
export function createBoundedQueue<T>(options: BoundedQueueOptions<T>): BoundedQueue<T> {
  const { maxItems, maxBytes, bytesOf, whenFull } = options
  let items: T[] = []
  let bytes = 0
  let ended = false
  let consumer: Consumer<T> | undefined

  const take = (): T => {
    const item = items.shift() as T
    bytes -= bytesOf(item)
    return item
  }

  return {
    push(item) {
      if (ended) return false
      if (consumer?.wake) {
        consumer.wake({ done: false, value: item })
        consumer.wake = undefined
        return true
      }
      const size = bytesOf(item)
      let dropped = false
      while (items.length + 1 > maxItems || bytes + size > maxBytes) {
        if (whenFull === 'dropNewest' || items.length === 0) return false
        take()
        dropped = true
      }
      items.push(item)
      bytes += size
      return !dropped
    },

    end() {
      ended = true
      items = []
      bytes = 0
      consumer?.leave()
    },

    reopen() {
      ended = false
    },

    consume() {
      if (consumer) throw new Error('There is a consumer already, and each message has only one.')
      let left = ended
      const self: Consumer<T> = {
        wake: undefined,
        leave() {
          left = true
          if (consumer === self) consumer = undefined
          self.wake?.(done)
          self.wake = undefined
        },
      }
      if (!ended) consumer = self
      const iterator: AsyncIterableIterator<T, undefined> = {
        [Symbol.asyncIterator]: () => iterator,
        next() {
          if (left) return Promise.resolve(done)
          if (items.length > 0) return Promise.resolve({ done: false, value: take() })
          if (self.wake) return Promise.reject(new Error('The previous next() has not settled yet.'))
          return new Promise((resolve) => {
            self.wake = resolve
          })
        },
        return() {
          self.leave()
          return Promise.resolve(done)
        },
      }
      return iterator
    },
  }
}

interface Consumer<T> {
  wake: ((result: IteratorResult<T, undefined>) => void) | undefined
  leave(): void
}

const done = { done: true, value: undefined } as const

/** How much a transport keeps for a reader that is slow. */
const maxQueuedMessages = 4096
const maxQueuedBytes = 67_108_864

/** Replies that wait for a dialer's reader: while nobody reads, the oldest go. */
export function createReplyQueue(): BoundedQueue<Uint8Array> {
  return createBoundedQueue({
    maxItems: maxQueuedMessages,
    maxBytes: maxQueuedBytes,
    bytesOf: (payload) => payload.length,
    whenFull: 'dropOldest',
  })
}

/** Requests that wait for a listener's reader: when full, the newest go. */
export function createRequestQueue(): BoundedQueue<MixnetRequest> {
  return createBoundedQueue({
    maxItems: maxQueuedMessages,
    maxBytes: maxQueuedBytes,
    bytesOf: (request) => request.payload.length,
    whenFull: 'dropNewest',
  })
}
