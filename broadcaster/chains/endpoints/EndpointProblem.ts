import type { EndpointHealth } from '../ChainAdapter.ts'

/**
 * An endpoint did not give a usable answer. Thrown by a question or a probe, it tells the pool what to hold against the
 * endpoint; `none` means: ask another, and hold nothing against this one. Its message never holds what a node said.
 */
export class EndpointProblem extends Error {
  override readonly name: string = 'EndpointProblem'
  readonly trouble: EndpointHealth['trouble']

  constructor(trouble: EndpointHealth['trouble'], message = `The endpoint is in trouble: ${trouble}.`) {
    super(message)
    this.trouble = trouble
  }
}
