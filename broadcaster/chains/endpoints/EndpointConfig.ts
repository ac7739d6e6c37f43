import { z } from 'zod'

const httpUrl = z.url({ protocol: /^https?$/, error: 'an http or https URL' }).max(2048)

const word = z
  .string()
  .regex(/^[a-zA-Z0-9._-]{1,64}$/, 'letters, digits, dots, dashes and underscores, at most 64')

const fields = {
  id: word.describe('Your own word for it: shown on the dashboard and stored with what it was handed.'),
  operator: word
    .optional()
    .describe('Who runs it: endpoints of one operator count as one witness. Default: its id.'),
  url: httpUrl.describe('http or https; may hold a key, or a name and password.'),
  headers: z
    .record(z.string().max(128), z.string().max(4096))
    .optional()
    .describe('Sent with each request, as an Authorization.'),
}

/** One node as an operator writes it. Only `id` and `operator` ever leave the adapter. */
export const endpointConfig = z.strictObject(fields).transform(withOperator)

export type EndpointConfig = z.output<typeof endpointConfig>

/** At least one endpoint, each with an id of its own. */
export const endpointConfigs = severalOf(endpointConfig)

/** Of a Cosmos chain. */
export const cosmosEndpointConfig = z
  .strictObject({
    ...fields,
    restUrl: httpUrl
      .optional()
      .describe("The same node's REST API (gRPC gateway), which wallets' `rest` reads are asked at."),
  })
  .transform(withOperator)

export type CosmosEndpointConfig = z.output<typeof cosmosEndpointConfig>

export const cosmosEndpointConfigs = severalOf(cosmosEndpointConfig)

function withOperator<T extends { readonly id: string; readonly operator?: string | undefined }>(
  endpoint: T,
) {
  return { ...endpoint, operator: endpoint.operator ?? endpoint.id }
}

function severalOf<T extends z.ZodType<{ readonly id: string }>>(endpoint: T) {
  return z
    .array(endpoint)
    .min(1)
    .max(32)
    .refine(
      (list) => new Set(list.map(({ id }) => id)).size === list.length,
      'two endpoints have the same id',
    )
    .describe('Its nodes, 1 to 32, best of several operators.')
}
