export * from './Mixnet.ts'
export * from './packetCapacity.ts'
export * from './parseAddress.ts'
