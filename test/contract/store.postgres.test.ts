import { startPostgres } from '../support/store.ts'
import { describeStoreContract } from './store.ts'

describeStoreContract('Postgres by URL', startPostgres)
