export { findVeilcastError, VeilcastError } from '@veilcast/shared/errors'
export { type AnnouncedInfo, announceProvider } from './announceProvider.ts'
export {
  createEip1193Provider,
  type Eip1193Options,
  type Eip1193Provider,
} from './createEip1193Provider.ts'
export type { LocalSigner, SigningProvider } from './openSigner.ts'
export { ProviderRpcError } from './ProviderRpcError.ts'
