import { startEmbedded } from '../support/store.ts'
import { describeStoreContract } from './store.ts'

describeStoreContract('embedded Postgres', startEmbedded)
