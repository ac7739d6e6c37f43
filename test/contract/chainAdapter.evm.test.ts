import { startAnvilUnderTest } from '../support/evmAdapter.ts'
import { describeChainAdapterContract } from './chainAdapter.ts'

describeChainAdapterContract('evm, at anvil', startAnvilUnderTest)
