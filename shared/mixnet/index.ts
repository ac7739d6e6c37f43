export * from './Mixnet.ts'
export * from './parseAddress.ts'
export * from './packetCapacity.ts'
