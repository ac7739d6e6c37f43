import { join } from 'node:path'
import type { MixnetListener } from '@veilcast/shared/mixnet'
import type { MixnetConfig } from './mixnetConfig.ts'

/** All Nym clients of one process. */
export function openListeners(
  mixnets: readonly MixnetConfig[],
  dataDir: string,
): Promise<readonly MixnetListener[]> {
  return Promise.all(mixnets.map((config, index) => openListener(config, dataDir, index)))
}

/** The transport that the configuration names, loaded only then. */
async function openListener(config: MixnetConfig, dataDir: string, index: number): Promise<MixnetListener> {
  switch (config.transport) {
    case 'nym-wasm': {
      const { createNymWasmListener } = await import('@veilcast/shared/mixnet/nym-wasm')
      return createNymWasmListener({
        nymApiUrl: config.nymApiUrl,
        ...(config.preferredGateway === undefined ? {} : { preferredGateway: config.preferredGateway }),
        identityFile: identityFileOf(config, dataDir, index),
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

/** Where the keys of the client at this place in the list are kept. */
export function identityFileOf(
  config: { readonly identityFile?: string | undefined },
  dataDir: string,
  index: number,
): string {
  return config.identityFile ?? join(dataDir, index === 0 ? 'nym.identity' : `nym-${index + 1}.identity`)
}
