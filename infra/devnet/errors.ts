/** No Cosmos chain can be had on this machine. The message is one line that says how to get one. */
export class CosmosChainUnavailable extends Error {
  override readonly name = 'CosmosChainUnavailable'
}

/** A Go tool could not be built; the message holds the last lines of `go`. */
export class GoBuildError extends Error {
  override readonly name = 'GoBuildError'
}

/** A chain's process ended, or stayed silent, before it was ready; the message holds its last lines. */
export class ChainStartError extends Error {
  override readonly name = 'ChainStartError'
}
