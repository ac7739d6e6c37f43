/** The first 64 primes, of whose roots the constants are the first 32 fractional bits. */
const primes: bigint[] = []
for (let number = 2n; primes.length < 64; number++) {
  if (primes.every((prime) => number % prime !== 0n)) primes.push(number)
}

function fractionOfRoot(prime: bigint, degree: bigint): number {
  const power = prime << (32n * degree)
  // Newton's method from above, which ends at the whole root.
  for (let root = prime << 32n; ; ) {
    const next = ((degree - 1n) * root + power / root ** (degree - 1n)) / degree
    if (next >= root) return Number(BigInt.asUintN(32, root))
    root = next
  }
}

const initial = primes.slice(0, 8).map((prime) => fractionOfRoot(prime, 2n))
const constants = primes.map((prime) => fractionOfRoot(prime, 3n))

const blockBytes = 64

/**
 * SHA-256, all at once: as slow as it need be for transactions of some hundred bytes, and a third of a library's weight.
 * Source: FIPS 180-4, sections 4.1.2, 5.1.1 and 6.2.
 */
export function sha256(message: Uint8Array): Uint8Array {
  const blocks = Math.ceil((message.length + 9) / blockBytes)
  const padded = new Uint8Array(blocks * blockBytes)
  padded.set(message)
  padded[message.length] = 0x80
  const view = new DataView(padded.buffer)
  view.setBigUint64(padded.length - 8, BigInt(message.length) * 8n)

  let hash = initial
  for (let at = 0; at < padded.length; at += blockBytes) {
    const schedule = scheduleOf(view, at)
    let [a, b, c, d, e, f, g, h] = hash as Eight
    for (let round = 0; round < 64; round++) {
      const choice = (e & f) ^ (~e & g)
      const majority = (a & b) ^ (a & c) ^ (b & c)
      const first = h + spin(e, 6, 11, 25) + choice + wordAt(constants, round) + wordAt(schedule, round)
      const second = spin(a, 2, 13, 22) + majority
      h = g
      g = f
      f = e
      e = (d + first) | 0
      d = c
      c = b
      b = a
      a = (first + second) | 0
    }
    hash = [a, b, c, d, e, f, g, h].map((word, index) => (word + wordAt(hash, index)) | 0)
  }
  const digest = new DataView(new ArrayBuffer(32))
  hash.forEach((word, index) => {
    digest.setUint32(4 * index, word)
  })
  return new Uint8Array(digest.buffer)
}

type Eight = [number, number, number, number, number, number, number, number]

function scheduleOf(view: DataView, at: number): Uint32Array {
  const words = new Uint32Array(64)
  for (let round = 0; round < 64; round++) {
    if (round < 16) words[round] = view.getUint32(at + 4 * round)
    else {
      const early = wordAt(words, round - 15)
      const late = wordAt(words, round - 2)
      words[round] =
        wordAt(words, round - 16) +
        wordAt(words, round - 7) +
        (right(early, 7) ^ right(early, 18) ^ (early >>> 3)) +
        (right(late, 17) ^ right(late, 19) ^ (late >>> 10))
    }
  }
  return words
}

function wordAt(words: ArrayLike<number>, index: number): number {
  return words[index] ?? 0
}

function spin(word: number, one: number, two: number, three: number): number {
  return right(word, one) ^ right(word, two) ^ right(word, three)
}

function right(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits))
}
