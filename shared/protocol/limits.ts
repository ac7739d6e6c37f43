/** The protocol's own limits. An operator may set lower ones; nobody may go above these. */

/** Longest message either way, envelope included. */
export const maxMessageBytes = 1_048_576
/** Longest signed transaction in a submit. */
export const maxTransactionBytes = 1_000_000
/** Furthest `notAfter` lies ahead. */
export const maxNotAfterSeconds = 86_400
/** CAIP-2: namespace 3 to 8, a colon, reference 1 to 32. */
export const maxChainIdBytes = 41
export const maxMethodBytes = 64
/** Reads that one message may ask. */
export const maxReadsPerMessage = 32
/** Longest parameters of a read, JSON in UTF-8. */
export const maxReadParamsBytes = 16_384
/** Longest result of a read, JSON in UTF-8. */
export const maxReadResultBytes = 65_536
/** Before the packed answers in a reply: version, id, incarnation, number, kind, packing. */
export const resultsHeaderBytes = 31
/** What a contract gave when it reverted an asked call. */
export const maxCallRevertBytes = 8_192
/** Revert data that a reply carries; what a contract gave beyond is cut off. */
export const maxRevertDataBytes = 256
export const maxCodespaceBytes = 32
export const maxChainsInInfo = 64
export const maxErrorValues = 4
