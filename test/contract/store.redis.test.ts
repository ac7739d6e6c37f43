import { describe, it } from '@jest/globals'
import { redisServer, startRedis } from '../support/store.ts'
import { describeStoreContract } from './store.ts'

if (redisServer === undefined) {
  describe.skip('store contract: Redis (there is no redis-server on the PATH)', () => {
    it('runs where there is one', () => {})
  })
} else {
  describeStoreContract('Redis', () => startRedis())
}
