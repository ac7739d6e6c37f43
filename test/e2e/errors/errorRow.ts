import { expect, it } from '@jest/globals'
import {
  catalogue,
  type ErrorName,
  findVeilcastError,
  type Outcome,
  type Retry,
  VeilcastError,
} from '@veilcast/shared/errors'
import type { FaultyEndpoint } from '../../support/faultyEndpoint.ts'

/** A real input, and all that whoever gave it has to hear. `Scene` is what the group of rows is played on. */
export interface ErrorRow<Scene> {
  /** What is done. */
  readonly input: string
  readonly error: ErrorName
  readonly outcome: Outcome
  readonly retry: Retry
  /** All of its values; `any` where the number is the machine's. Default: none. */
  readonly values?: Readonly<Record<string, bigint | 'any'>>
  readonly label?: string
  /** The short message, word for word; with values that are the machine's, a pattern. */
  readonly text: string | RegExp
  /** The error that is found as its cause. */
  readonly cause?: ErrorName
  /** Whether an endpoint was handed what was submitted. Default: as the outcome says, `notSent` or not. */
  readonly handed?: boolean
  readonly provoke: (scene: Scene) => Promise<unknown>
  /** What has to hold once the fault is over. */
  readonly afterwards?: (scene: Scene) => Promise<void>
}

/** What each scene has, so that a row can be judged by more than what it threw. */
export interface ErrorScene {
  /** Stands in front of the node, and remembers what it was given. */
  readonly endpoint: FaultyEndpoint
  /** The bytes of each transaction that was submitted since the last row. */
  readonly submitted: Uint8Array[]
  /** Rejects unless the same broadcaster serves a good transaction. */
  serves(): Promise<void>
}

/** A test for each row; after each of them the broadcaster has to serve. */
export function playRows<Scene extends ErrorScene>(
  rows: readonly ErrorRow<Scene>[],
  scene: () => Scene,
  limitMs = 30_000,
): void {
  it.each(rows.map((row) => ({ title: `${row.input}: ${row.error}, ${row.outcome}`, row })))(
    '$title',
    async ({ row }) => {
      const { endpoint, submitted, serves } = scene()
      submitted.length = 0
      const error = await thrownBy(row.provoke(scene()))
      expectRow(error, row)
      const handed = submitted.map((bytes) => endpoint.had(bytes))
      if (row.outcome === 'notSent') expect(handed).not.toContain(true)
      if (row.handed !== undefined) expect(handed).toEqual(handed.map(() => row.handed))
      await row.afterwards?.(scene())
      await serves()
    },
    limitMs,
  )
}

async function thrownBy(provoking: Promise<unknown>): Promise<unknown> {
  const thrown = await provoking.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
  if ('value' in thrown) throw new Error(`It went well: ${inspect(thrown.value)}`)
  return thrown.error
}

function expectRow(error: unknown, row: ErrorRow<never>): void {
  if (!(error instanceof VeilcastError)) throw error
  const { errorName, outcome, retry, label } = error
  expect({ errorName, outcome, retry, label }).toEqual({
    errorName: row.error,
    outcome: row.outcome,
    retry: row.retry,
    label: row.label ?? '',
  })
  const { rpcCode, number, fix, values, outcome: usual } = catalogue[row.error]
  expect(error).toMatchObject({
    code: rpcCode,
    number,
    docsPath: `docs/errors.md#${row.error.toLowerCase()}`,
  })
  expect(Object.keys(error.values)).toEqual([...values])
  const told = Object.entries(row.values ?? {}).map(([name, value]) => [
    name,
    value === 'any' ? error.values[name] : value,
  ])
  expect(error.values).toEqual(Object.fromEntries(told))
  if (typeof row.text === 'string') expect(error.shortMessage).toBe(row.text)
  else expect(error.shortMessage).toMatch(row.text)
  const isOpen = outcome === 'unknown' && usual === 'notSent'
  expect(error.metaMessages).toEqual([
    ...(isOpen ? ['It may still land: ask for its status before you sign another one.'] : []),
    fix,
    `Outcome: ${row.outcome}. Retry: ${row.retry}.`,
  ])
  // Nothing but our own sentences: no URL, no word of a node.
  const own = [error.shortMessage, ...(error.details ? [error.details] : []), ...error.metaMessages]
  expect(error.message).toBe(own.join('\n'))
  expect(error.message).not.toMatch(/https?:|127\.0\.0\.1|[0-9a-f]{40}/i)
  if (row.cause) expect(findVeilcastError(error.cause)?.errorName).toBe(row.cause)
}

function inspect(value: unknown): string {
  return JSON.stringify(value, (_, inner) => (typeof inner === 'bigint' ? `${inner}` : inner))
}
