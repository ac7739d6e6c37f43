import { type MixnetAddress, MixnetError, maxPayloadBytes, maxSurbsPerMessage } from './Mixnet.ts'
import { parseAddress } from './parseAddress.ts'

/** The door of every `send`. @throws MixnetError `badAddress`, `tooLarge`; RangeError on an impossible count of SURBs */
export function checkRequest(to: MixnetAddress, payload: Uint8Array, surbs: number): void {
  parseAddress(to)
  checkPayload(payload)
  if (!Number.isInteger(surbs) || surbs < 0 || surbs > maxSurbsPerMessage) {
    throw new RangeError(`A message carries 0 to ${maxSurbsPerMessage} SURBs.`)
  }
}

/** The door of every `reply`. @throws MixnetError `tooLarge` */
export function checkPayload(payload: Uint8Array): void {
  if (payload.length > maxPayloadBytes) {
    throw new MixnetError('tooLarge', `A payload is at most ${maxPayloadBytes} bytes.`)
  }
}
