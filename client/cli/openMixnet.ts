import { VeilcastError } from '@veilcast/shared/errors'
import type { MixnetDialer } from '@veilcast/shared/mixnet'

export const transports = ['nym-wasm', 'nym-socket'] as const
export const mainnetApi = 'https://validator.nymtech.net/api'

export interface MixnetChoice {
  readonly transport: (typeof transports)[number]
  readonly nymApi: string
  readonly gateway?: string
  readonly cover?: 'full' | 'light'
  readonly socket?: string
}

/** Loads the one transport that was named. @throws VeilcastError `invalidArgument`, `mixnetUnavailable` */
export async function openMixnet(choice: MixnetChoice): Promise<MixnetDialer> {
  try {
    if (choice.transport === 'nym-socket') {
      const { createNymSocketDialer } = await import('@veilcast/shared/mixnet/nym-socket')
      return createNymSocketDialer(choice.socket === undefined ? {} : { url: choice.socket })
    }
    const { createNymWasmDialer } = await import('@veilcast/shared/mixnet/nym-wasm')
    return createNymWasmDialer({
      nymApiUrl: choice.nymApi,
      ...(choice.gateway === undefined ? {} : { preferredGateway: choice.gateway }),
      ...(choice.cover === undefined ? {} : { coverTraffic: choice.cover }),
    })
  } catch (cause) {
    throw new VeilcastError('invalidArgument', {
      details: `--transport ${choice.transport}: ${cause instanceof Error ? cause.message : 'cannot be loaded'}`,
      cause,
    })
  }
}
