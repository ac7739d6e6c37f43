export * from '@veilcast/shared/mixnet/loopback'
