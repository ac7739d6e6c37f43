export * from '@veilcast/shared/mixnet/nym-wasm'
