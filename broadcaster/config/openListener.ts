import { join } from 'node:path'
import type { MixnetListener } from '@veilcast/shared/mixnet'
import type { MixnetConfig } from './mixnetConfig.ts'

/** The transport that the configuration names, loaded only then. */
export async function openListener(config: MixnetConfig, dataDir: string): Promise<MixnetListener> {
  switch (config.transport) {
    case 'nym-wasm': {
      const { createNymWasmListener } = await import('@veilcast/shared/mixnet/nym-wasm')
      return createNymWasmListener({
        nymApiUrl: config.nymApiUrl,
        ...(config.preferredGateway === undefined ? {} : { preferredGateway: config.preferredGateway }),
        identityFile: config.identityFile ?? join(dataDir, 'nym.identity'),
        disableCoverTraffic: config.disableCoverTraffic,
        disablePacing: config.disablePacing,
      })
    }
    case 'nym-socket': {
      const { createNymSocketListener } = await import('@veilcast/shared/mixnet/nym-socket')
      return createNymSocketListener({
        url: config.url,
        allowUnprotectedRemote: config.allowUnprotectedRemote,
      })
    }
  }
}
