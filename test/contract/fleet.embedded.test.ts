import { startEmbedded } from '../support/store.ts'
import { describeFleetContract } from './fleet.ts'

describeFleetContract('embedded Postgres', startEmbedded)
