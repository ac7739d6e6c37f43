/** How long somebody waits. */
export interface Wait {
  readonly signal: AbortSignal | undefined
  readonly timeoutMs: number
}
