import type { NymSdk } from '@veilcast/client/nym-sdk'
import type { ConnectionStep } from './Connection.ts'

/** The Nym SDK, telling how far it has come. It takes 7 MB and is loaded when it is needed. */
export function tellSteps(tell: (step: ConnectionStep) => void): () => Promise<NymSdk> {
  return async () => {
    const sdk = (await import('@nymproject/sdk-full-fat')) as unknown as NymSdk
    return {
      // Its worker is made before it waits, and the dialer looks for it then: nothing may be awaited here.
      createNymMixnetClient() {
        const made = sdk.createNymMixnetClient()
        made.then(
          () => tell('joining'),
          () => undefined,
        )
        return made
      },
    }
  }
}
