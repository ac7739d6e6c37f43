import { describeWithValkey, startRedis, valkeyServer } from '../support/store.ts'
import { describeStoreContract } from './store.ts'

describeWithValkey('Valkey', () => describeStoreContract('Valkey', () => startRedis([], valkeyServer)))
