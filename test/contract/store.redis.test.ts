import { describeWithRedis, startRedis } from '../support/store.ts'
import { describeStoreContract } from './store.ts'

describeWithRedis('Redis', () => describeStoreContract('Redis', () => startRedis()))
