import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'

/**
 * How `doctor` proves, to a dashboard that asks for a login, that it has the key file: a time and its HMAC under a key that is derived
 * from the file. Good for a minute, and for `/status.json` alone.
 */

const label = 'veilcast doctor v1'
const validMs = 60_000

/** @param secret the 32 bytes of the key file */
export function doctorKey(secret: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(0), label, 32))
}

/** Goes as `Authorization: Bearer <token>`. */
export function makeDoctorToken(key: Uint8Array, nowMs = Date.now()): string {
  return `${nowMs}.${mac(key, nowMs).toString('base64url')}`
}

export function isDoctorToken(token: string, key: Uint8Array, nowMs = Date.now()): boolean {
  const parts = /^(\d{13})\.([A-Za-z0-9_-]{43})$/.exec(token)
  if (!parts) return false
  const atMs = Number(parts[1])
  if (Math.abs(nowMs - atMs) > validMs) return false
  return timingSafeEqual(mac(key, atMs), Buffer.from(parts[2] ?? '', 'base64url'))
}

function mac(key: Uint8Array, atMs: number): Buffer {
  return createHmac('sha256', key).update(`GET /status.json ${atMs}`).digest()
}
