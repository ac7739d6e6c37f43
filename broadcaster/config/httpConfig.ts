import { z } from 'zod'

/** The dashboard and its health and metrics pages. */
export const httpConfig = z.strictObject({
  host: z.string().default('127.0.0.1').describe('The address that the dashboard listens on.'),
  port: z.int().min(0).max(65_535).default(8645).describe("The dashboard's port; 0 picks a free one."),
})
