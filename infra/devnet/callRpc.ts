const requestLimitMs = 30_000

/** One JSON-RPC 2.0 call. Rejects with the node's own message and code, or when 30 s have passed. */
export async function callRpc<T>(
  url: string,
  method: string,
  params: unknown[] | Record<string, unknown>,
  signal?: AbortSignal,
): Promise<T> {
  const limit = AbortSignal.timeout(requestLimitMs)
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    signal: signal ? AbortSignal.any([signal, limit]) : limit,
  })
  const reply = (await response.json()) as {
    result?: T
    error?: { code: number; message: string; data?: unknown }
  }
  if (reply.error) {
    const { code, message, data } = reply.error
    throw Object.assign(new Error(typeof data === 'string' ? `${message}: ${data}` : message), { code })
  }
  return reply.result as T
}
