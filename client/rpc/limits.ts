/** What one endpoint takes at once. A desktop's wallets stay far below; who goes above is told so. */

/** The longest signed transaction in hex, and room for what is around it. */
export const maxBodyBytes = 2_097_152
export const maxJsonDepth = 64
/** Calls in one batch, as ethers sends at most. */
export const maxBatchCalls = 100
export const maxConnections = 128
/** Calls under way, batches and websockets together. */
export const maxCallsUnderWay = 512
export const maxSockets = 32
export const maxSubscriptionsPerSocket = 16
/** A websocket that does not read what it is told is closed. */
export const maxUnsentBytes = 4_194_304
export const maxOrigins = 32
/** Rows of the page. */
export const maxMethodsTold = 64
export const maxSubmitsTold = 32

export const headersTimeoutMs = 5_000
export const requestTimeoutMs = 30_000
export const keepAliveTimeoutMs = 15_000
/** A whole answer is taken within this, or its connection is cut. */
export const answerTimeoutMs = 30_000
export const pingEveryMs = 30_000
/** How long a stop waits for transactions that are on their way out. */
export const stopGraceMs = 3_000
