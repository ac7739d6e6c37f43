export { findVeilcastError, VeilcastError } from '@veilcast/shared/errors'
export { type VeilcastTransport, type VeilcastTransportOptions, veilcast } from './veilcast.ts'
