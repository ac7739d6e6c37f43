import { findVeilcastError } from '@veilcast/shared/errors'
import type { VeilcastClient } from '../createClient.ts'
import { maxSubmitsTold } from './limits.ts'

/** A transaction that went through the endpoint. */
export interface Watched {
  readonly chain: string
  /** Enough for its owner to know it by; not enough to find it on chain. */
  readonly shortHash: string
  /** Where it stands, or the name of the error that ended it. */
  readonly stage: string
  readonly failed: boolean
  readonly sinceMs: number
}

/**
 * The same client, its reads with a limit of their own, and its submits watched.
 * @param readTimeoutMs for reads that name none
 */
export function watchClient(
  client: VeilcastClient,
  readTimeoutMs: number,
): { readonly client: VeilcastClient; readonly submits: () => readonly Watched[] } {
  const submits: { -readonly [name in keyof Watched]: Watched[name] }[] = []
  const watched: Pick<VeilcastClient, 'read' | 'submit'> = {
    read: (parameters, options) => client.read(parameters, { timeoutMs: readTimeoutMs, ...options }),
    submit(parameters, options = {}) {
      const entry = {
        chain: String(parameters.chain),
        shortHash: '',
        stage: 'sending',
        failed: false,
        sinceMs: performance.now(),
      }
      submits.push(entry)
      if (submits.length > maxSubmitsTold) submits.shift()
      const submitting = client.submit(parameters, {
        ...options,
        onProgress(progress) {
          entry.stage = progress.stage
          if (progress.txId) entry.shortHash = shorten(progress.txId)
          options.onProgress?.(progress)
        },
      })
      submitting.then(
        ({ stage, ok }) => {
          entry.stage = ok === false ? `${stage}, and failed` : stage
          entry.failed = ok === false
        },
        (error: unknown) => {
          entry.stage = findVeilcastError(error)?.errorName ?? 'failed'
          entry.failed = true
        },
      )
      return submitting
    },
  }
  return {
    client: Object.assign(Object.create(client) as VeilcastClient, watched),
    submits: () => submits,
  }
}

/** Four digits: one transaction in 65 536 looks the same. */
function shorten(txId: string): string {
  const digits = txId.replace(/^0x/, '')
  return `${txId.startsWith('0x') ? '0x' : ''}${digits.slice(0, 4)}…`
}
