import { startRedisCluster } from '../support/redisCluster.ts'
import { describeWithRedis } from '../support/store.ts'
import { describeStoreContract } from './store.ts'

describeWithRedis('Redis Cluster', () => describeStoreContract('Redis Cluster', () => startRedisCluster()))
