const TAG_BYTES = 16
/** Reference counts in front of the value: strong, weak, borrow. */
const HEADER = [1, 1, 0]

/** A WebAssembly.Memory. */
export type WasmMemory = { readonly buffer: ArrayBuffer }

/**
 * The 16 bytes of an AnonymousSenderTag, which @nymproject/nym-client-wasm-node 1.4.1 keeps opaque in its memory.
 * Pass the memory itself: its buffer is replaced whenever it grows. Throws when it does not look as in 1.4.1.
 */
export function readSenderTag(memory: WasmMemory, pointer: number): Uint8Array {
  const valueAt = pointer + 4
  if (!Number.isInteger(pointer) || pointer < 8 || valueAt + TAG_BYTES > memory.buffer.byteLength) {
    throw new Error('the sender tag is not where nym-client-wasm-node 1.4.1 has it')
  }
  const words = new DataView(memory.buffer)
  const header = [
    words.getUint32(pointer - 8, true),
    words.getUint32(pointer - 4, true),
    words.getUint32(pointer, true),
  ]
  if (header.some((word, index) => word !== HEADER[index])) {
    throw new Error('the sender tag does not begin as in nym-client-wasm-node 1.4.1')
  }
  return new Uint8Array(memory.buffer.slice(valueAt, valueAt + TAG_BYTES))
}
