import { isIP } from 'node:net'
import { z } from 'zod'
import { isExposed } from '../dashboard/auth/exposure.ts'
import { passwordHashPattern } from '../dashboard/auth/passwordHash.ts'

const proxyAddress = z
  .string()
  .refine(isProxyAddress, 'an IP address, a network such as 10.0.0.0/8, or loopback')

/** The dashboard and its health and metrics pages. */
export const httpConfig = z
  .strictObject({
    host: z
      .string()
      .default('127.0.0.1')
      .describe(
        'The address that the dashboard listens on. Any but 127.0.0.1, ::1 and localhost needs `http.auth`.',
      ),
    port: z.int().min(0).max(65_535).default(8645).describe("The dashboard's port; 0 picks a free one."),
    auth: z
      .strictObject({
        passwordHash: z
          .string()
          .regex(passwordHashPattern, 'what veilcast-broadcaster hash-password prints')
          .describe('What `veilcast-broadcaster hash-password` prints.'),
      })
      .optional()
      .describe(
        'Who may log in: `{ passwordHash }` with what `veilcast-broadcaster hash-password` prints. Needed where the dashboard can be reached from elsewhere (any `host` but 127.0.0.1, ::1 and localhost; a `trustProxy`; `allowedHosts`), and to pause, resume and retry the queues.',
      ),
    trustProxy: z
      .array(proxyAddress)
      .max(16)
      .optional()
      .describe(
        'Addresses of the proxies in front, such as `loopback` or `10.0.0.0/8`: what they say of who asks, and of https, is believed. With one, everybody has to log in.',
      ),
    allowedHosts: z
      .array(
        z.string().regex(/^[A-Za-z0-9.-]{1,253}$|^\[[0-9a-fA-F:]{2,45}\]$/, 'a host name without a port'),
      )
      .max(16)
      .optional()
      .describe(
        'Host names that the dashboard is opened by, without a port. Default: on this machine its own names; elsewhere any. With one, everybody has to log in.',
      ),
    metricsToken: z
      .string()
      .regex(/^[\x21-\x7e]{16,256}$/, '16 to 256 printable characters without spaces')
      .optional()
      .describe(
        'What Prometheus brings as a bearer token to read `/metrics` from another machine. Default: it is read on this machine alone.',
      ),
  })
  .refine((http) => http.auth !== undefined || !isExposed(http), {
    path: ['auth'],
    message:
      'is needed where the dashboard can be reached from elsewhere: set http.auth.passwordHash to what veilcast-broadcaster hash-password prints, or leave http.host at 127.0.0.1, without trustProxy and allowedHosts',
  })

function isProxyAddress(text: string): boolean {
  if (['loopback', 'linklocal', 'uniquelocal'].includes(text)) return true
  const [address = '', bits, ...more] = text.split('/')
  const kind = isIP(address)
  if (kind === 0 || more.length > 0) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (kind === 4 ? 32 : 128))
}
