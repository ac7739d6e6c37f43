import type { NodeContext } from './NodeContext.ts'

const pauseMs = 1_000

/**
 * The receipt of a transaction that was told to be in a block. The endpoint that is asked may be behind the one that told: it is
 * asked again until `deadlineMs`, by performance.now(), then null is the answer.
 */
export async function readReceipt(
  context: NodeContext,
  hash: string,
  deadlineMs: number,
  signal?: AbortSignal,
): Promise<unknown> {
  for (;;) {
    const receipt = await context.read('eth_getTransactionReceipt', [hash], signal)
    if (receipt !== null || signal?.aborted || performance.now() + pauseMs > deadlineMs) return receipt
    await pause(signal)
  }
}

function pause(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, pauseMs)
    signal?.addEventListener('abort', end, { once: true })
  })
}
