import { describeWithRedis, startRedis } from '../support/store.ts'
import { describeFleetContract } from './fleet.ts'

describeWithRedis('Redis', () => describeFleetContract('Redis', () => startRedis()))
