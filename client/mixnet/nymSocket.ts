export * from '@veilcast/shared/mixnet/nym-socket'
