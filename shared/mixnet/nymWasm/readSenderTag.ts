import { base58 } from '@scure/base'
import { MixnetError, type SenderTag } from '../Mixnet.ts'

const tagBytes = 16
const wordBytes = 4

/**
 * The bytes of an AnonymousSenderTag of nym-client-wasm-node 1.4.1, which has no method to tell them. Its pointer leads
 * into a Rust `Rc<RefCell<[u8; 16]>>`: strong count, weak count | borrow flag, 16 bytes. A tag that was just born reads 1, 1,
 * 0; anything else is another layout.
 *
 * @param memory looked up for this reading: wasm memory moves when it grows
 * @throws MixnetError `unsealed`
 */
export function readSenderTag(memory: ArrayBufferLike, pointer: number): SenderTag {
  const start = pointer - 2 * wordBytes
  if (!Number.isInteger(pointer) || start < 0 || pointer + wordBytes + tagBytes > memory.byteLength)
    throw unreadable()
  const view = new DataView(memory, start)
  const words = [0, 1, 2].map((n) => view.getUint32(n * wordBytes, true))
  if (words.join() !== '1,1,0') throw unreadable()
  return base58.encode(
    new Uint8Array(memory.slice(pointer + wordBytes, pointer + wordBytes + tagBytes)),
  ) as SenderTag
}

function unreadable(): MixnetError {
  return new MixnetError(
    'unsealed',
    'The sender tag of this Nym client cannot be read: its memory has another layout.',
  )
}
