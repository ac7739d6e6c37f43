import { startPostgres } from '../support/store.ts'
import { describeFleetContract } from './fleet.ts'

describeFleetContract('Postgres by URL', startPostgres)
