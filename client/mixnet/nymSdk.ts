export * from '@veilcast/shared/mixnet/nym-sdk'
