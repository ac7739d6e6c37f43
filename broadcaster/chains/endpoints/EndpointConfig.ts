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

const maxOperatorsAtOnce = 8

/** Whom a transaction is handed to, and how endpoints are chosen. */
export const choiceConfig = {
  submit: z
    .discriminatedUnion('to', [
      z.strictObject({
        to: z.literal('one').describe('To one endpoint; to the next only where it does not take it.'),
      }),
      z.strictObject({
        to: z
          .literal('several')
          .describe(
            'To endpoints of several operators at once. It spreads although one of them keeps it back; and each learns that it comes from you.',
          ),
        operators: z.int().min(2).max(maxOperatorsAtOnce).default(2).describe('How many operators.'),
      }),
    ])
    .default({ to: 'one' })
    .describe('Whom a transaction is handed to.'),
  endpointChoice: z
    .enum(['uniform', 'scored'])
    .default('uniform')
    .describe(
      'How endpoints are chosen. `uniform`: every live one is as likely as the next, so that none sees more than its share. `scored`: the better it answered lately, the likelier.',
    ),
}

/** How often endpoints are asked, and how long they may take. */
export const paceConfig = {
  pollIntervalMs: z
    .int()
    .min(100)
    .max(60_000)
    .default(1_000)
    .describe('Milliseconds between two questions for a new block.'),
  probeIntervalMs: z
    .int()
    .min(100)
    .max(600_000)
    .default(3_000)
    .describe("Milliseconds between two looks at each endpoint's health."),
  requestTimeoutMs: z
    .int()
    .min(100)
    .max(60_000)
    .default(8_000)
    .describe('Milliseconds that an endpoint has for each request.'),
  maxBlocksBehind: z
    .int()
    .min(0)
    .max(10_000)
    .default(5)
    .describe('Blocks behind the others beyond which an endpoint is left alone.'),
}

export type SubmitConfig = z.output<(typeof choiceConfig)['submit']>

/** To how many operators a transaction is handed at once. */
export function operatorsToSubmitTo(submit: SubmitConfig): number {
  return submit.to === 'several' ? submit.operators : 1
}

/** Adds an issue where `submit` needs more operators than there are. */
export function checkOperators(
  { submit, endpoints }: { readonly submit: SubmitConfig; readonly endpoints: readonly EndpointConfig[] },
  context: z.RefinementCtx,
): void {
  const operators = new Set(endpoints.map(({ operator }) => operator)).size
  if (operatorsToSubmitTo(submit) <= operators) return
  context.addIssue({
    code: 'custom',
    path: ['submit', 'operators'],
    message: `is more than the ${operators} operators of the endpoints: add endpoints with another operator, or lower it`,
  })
}

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
