import { z } from 'zod'

/** One node as an operator writes it. Only `id` and `operator` ever leave the adapter. */
export const endpointConfig = z
  .strictObject({
    /** The operator's own word for it: shown on the dashboard and stored with what it was handed. */
    id: z
      .string()
      .regex(/^[a-zA-Z0-9._-]{1,64}$/, 'letters, digits, dots, dashes and underscores, at most 64'),
    /** Who runs it. Endpoints of one operator count as one witness. Default: its id. */
    operator: z
      .string()
      .regex(/^[a-zA-Z0-9._-]{1,64}$/, 'letters, digits, dots, dashes and underscores, at most 64')
      .optional(),
    /** http or https; may hold a key, or a name and password. */
    url: z.url({ protocol: /^https?$/, error: 'an http or https URL' }).max(2048),
    headers: z.record(z.string().max(128), z.string().max(4096)).optional(),
  })
  .transform((endpoint) => ({ ...endpoint, operator: endpoint.operator ?? endpoint.id }))

export type EndpointConfig = z.output<typeof endpointConfig>

/** At least one endpoint, each with an id of its own. */
export const endpointConfigs = z
  .array(endpointConfig)
  .min(1)
  .max(32)
  .refine((list) => new Set(list.map(({ id }) => id)).size === list.length, 'two endpoints have the same id')
