import { keccak256 } from '../hashes/keccak256.ts'
import { numberToBytes } from './numberToBytes.ts'
import { toBigInt, toHex } from './quantity.ts'

/** secp256k1: y² = x³ + 7 over p, order n. Source: SEC 2, section 2.4.1. */
const p = 2n ** 256n - 2n ** 32n - 977n
const n = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const generator: Point = [
  0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n,
  0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8n,
  1n,
]

/** Jacobian: x = X/Z², y = Y/Z³; Z = 0 at infinity. */
type Point = readonly [X: bigint, Y: bigint, Z: bigint]

/**
 * Who signed. It sees public values only, and decides nothing but which nonces are known to be taken, so that a few
 * milliseconds of plain arithmetic stand in for a library of twelve kilobytes.
 *
 * @returns the address in lower case; undefined where this signature fits no key
 * Source: SEC 1, section 4.1.6.
 */
export function recoverSender(
  signingHash: Uint8Array,
  signature: { readonly r: bigint; readonly s: bigint; readonly yParity: bigint },
): `0x${string}` | undefined {
  const { r, s, yParity } = signature
  if (r <= 0n || r >= n || s <= 0n || s >= n || yParity > 1n) return undefined
  const square = mod(r ** 3n + 7n, p)
  const root = power(square, (p + 1n) / 4n)
  if (mod(root * root, p) !== square) return undefined
  const nonce: Point = [r, (root & 1n) === yParity ? root : p - root, 1n]
  const inverse = invert(r, n)
  const key = addMultiples(generator, mod(-toBigInt(signingHash) * inverse, n), nonce, mod(s * inverse, n))
  if (key[2] === 0n) return undefined
  const z = invert(key[2], p)
  const uncompressed = new Uint8Array(64)
  uncompressed.set(numberToBytes(mod(key[0] * z ** 2n, p), 32))
  uncompressed.set(numberToBytes(mod(key[1] * z ** 3n, p), 32), 32)
  return toHex(keccak256(uncompressed).subarray(12))
}

/** a·A + b·B, both at once (Straus). */
function addMultiples(A: Point, a: bigint, B: Point, b: bigint): Point {
  const both = add(A, B)
  let sum: Point = [0n, 1n, 0n]
  for (let bit = 255n; bit >= 0n; bit--) {
    sum = double(sum)
    const inA = (a >> bit) & 1n
    const inB = (b >> bit) & 1n
    if (inA && inB) sum = add(sum, both)
    else if (inA) sum = add(sum, A)
    else if (inB) sum = add(sum, B)
  }
  return sum
}

function double([X, Y, Z]: Point): Point {
  if (Z === 0n) return [X, Y, Z]
  const y2 = mod(Y * Y, p)
  const s = mod(4n * X * y2, p)
  const m = mod(3n * X * X, p)
  const x = mod(m * m - 2n * s, p)
  return [x, mod(m * (s - x) - 8n * y2 * y2, p), mod(2n * Y * Z, p)]
}

function add(A: Point, B: Point): Point {
  if (A[2] === 0n) return B
  if (B[2] === 0n) return A
  const za2 = mod(A[2] * A[2], p)
  const zb2 = mod(B[2] * B[2], p)
  const ua = mod(A[0] * zb2, p)
  const ub = mod(B[0] * za2, p)
  const sa = mod(A[1] * zb2 * B[2], p)
  const sb = mod(B[1] * za2 * A[2], p)
  if (ua === ub) return sa === sb ? double(A) : [0n, 1n, 0n]
  const h = mod(ub - ua, p)
  const h2 = mod(h * h, p)
  const h3 = mod(h * h2, p)
  const slope = mod(sb - sa, p)
  const x = mod(slope * slope - h3 - 2n * ua * h2, p)
  return [x, mod(slope * (ua * h2 - x) - sa * h3, p), mod(h * A[2] * B[2], p)]
}

function mod(value: bigint, modulus: bigint): bigint {
  const rest = value % modulus
  return rest < 0n ? rest + modulus : rest
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  for (let square = base, rest = exponent; rest > 0n; rest >>= 1n, square = mod(square * square, p)) {
    if (rest & 1n) result = mod(result * square, p)
  }
  return result
}

/** Extended Euclid; `value` is not 0. */
function invert(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [mod(value, modulus), modulus, 1n, 0n]
  while (a > 1n) {
    const quotient = b / a
    ;[a, b, x, y] = [b - quotient * a, a, y - quotient * x, x]
  }
  return mod(x, modulus)
}
