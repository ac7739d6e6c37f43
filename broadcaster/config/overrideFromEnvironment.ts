import { parse } from 'yaml'
import { z } from 'zod'
import { ConfigError } from './config.ts'
import { allPaths, schemasAt } from './configKeys.ts'
import { nearest } from './nearest.ts'

export type Variables = Readonly<Record<string, string | undefined>>

export const prefix = 'VEILCAST_'

/** `--config`, and what other programs of this house read. */
const notOurs = new Set(
  (
    'CONFIG BROADCASTER TRANSPORT NYM_API GATEWAY COVER SOCKET TIMEOUT JOURNAL RPC_PORT RPC_ALLOW_ORIGIN ' +
    'RPC_ALLOW_EXTENSIONS RPC_TOKEN_FILE COSMOS_BINARY PICTURES WALLET_CONFIG'
  ).split(' '),
)

/** What Kubernetes puts into each pod for a service that is called veilcast-something. */
const serviceLink =
  /(^|_)(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_\d+_(TCP|UDP)(_(PROTO|PORT|ADDR))?)?)$/

export interface Overridden {
  readonly value: unknown
  /** The variable that gave the value at a path, or at what it lies in. */
  variableOf(path: readonly PropertyKey[]): string | undefined
}

/**
 * `VEILCAST_` and the path of a key in capitals, its steps parted by two underscores, the words of a step by one:
 * `VEILCAST_HTTP__PORT`, `VEILCAST_CHAINS__0__ENDPOINTS__1__URL`. Texts are taken as they are, all else is read as YAML. An
 * empty variable counts as none. `...__FILE` and `...__ENV` name where a text is to be found.
 * @throws ConfigError for a variable that names no key
 */
export function overrideFromEnvironment(written: unknown, variables: Variables): Overridden {
  const value = structuredClone(written ?? {})
  const names = Object.keys(variables)
    .filter((name) => name.startsWith(prefix) && variables[name] && !isForOthers(name, variables))
    .sort((a, b) => stepsOf(a).length - stepsOf(b).length || (a < b ? -1 : 1))
  const given = new Map<string, string>()
  const faults: string[] = []
  for (const name of names) {
    const path = pathOf(stepsOf(name), value)
    if (!path) {
      const meant = nearestName(name)
      faults.push(`  ${nameText(name)}: names no key${meant ? `; did you mean ${meant}?` : ''}`)
    } else if (!put(value, ...read(variables[name] ?? '', path, value))) {
      faults.push(`  ${name}: there is no such place; a list is counted from 0 and grows by one`)
    } else given.set(path.join('.'), name)
  }
  if (faults.length > 0) {
    throw new ConfigError(`The environment is no valid configuration:\n${faults.join('\n')}`)
  }
  return {
    value,
    variableOf(path) {
      for (let length = path.length; length > 0; length--) {
        const name = given.get(path.slice(0, length).map(String).join('.'))
        if (name) return name
      }
      return undefined
    },
  }
}

function isForOthers(name: string, variables: Variables): boolean {
  const rest = name.slice(prefix.length)
  if (notOurs.has(rest) || rest.startsWith('TEST_')) return true
  return variables.KUBERNETES_SERVICE_HOST !== undefined && !rest.includes('__') && serviceLink.test(rest)
}

const stepsOf = (name: string): readonly string[] => name.slice(prefix.length).split('__')

export const capitals = (key: string): string => key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()

function pathOf(steps: readonly string[], value: unknown): readonly string[] | undefined {
  const path: string[] = []
  for (const [index, step] of steps.entries()) {
    const at = schemasAt(path, value)
    const isLast = index === steps.length - 1
    const key = at
      .map((schema) => {
        if (schema instanceof z.ZodObject)
          return Object.keys(schema.shape).find((one) => capitals(one) === step)
        if (schema instanceof z.ZodArray) return /^\d{1,4}$/.test(step) ? step : undefined
        if (schema instanceof z.ZodRecord) return step.toLowerCase().replaceAll('_', '-')
        if (isText(schema) && isLast && path.length > 0 && /^(FILE|ENV)$/.test(step))
          return step.toLowerCase()
        return undefined
      })
      .find((one) => one !== undefined)
    if (!key) return undefined
    path.push(key)
  }
  return path
}

const isText = (schema: z.core.$ZodType): boolean =>
  schema instanceof z.ZodString ||
  schema instanceof z.ZodStringFormat ||
  schema instanceof z.ZodEnum ||
  schema instanceof z.ZodLiteral

/** What is meant, and where it goes. */
function read(
  text: string,
  path: readonly string[],
  value: unknown,
): [path: readonly string[], value: unknown] {
  const at = schemasAt(path, value)
  // A place within a text says where the text is to be found, and goes instead of it.
  if (at.length === 0) return [path.slice(0, -1), { [path.at(-1) ?? '']: text }]
  if (at.some(isText)) return [path, text]
  try {
    return [path, parse(text, { maxAliasCount: 0, logLevel: 'error' })]
  } catch {
    // The schema says what it should have been.
    return [path, text]
  }
}

/** False where a list is too short for it. */
function put(value: unknown, path: readonly string[], leaf: unknown): boolean {
  let at = value as Record<string, unknown>
  for (const [index, key] of path.entries()) {
    if (Array.isArray(at) && Number(key) > at.length) return false
    if (index === path.length - 1) {
      if (typeof at !== 'object' || at === null) return false
      at[key] = leaf
      return true
    }
    const child = at[key]
    if (typeof child !== 'object' || child === null) {
      const next = path[index + 1] ?? ''
      at[key] = /^\d+$/.test(next) ? [] : {}
    }
    at = at[key] as Record<string, unknown>
  }
  return false
}

/** The nearest name of a key, with the places of lists as they were given. */
function nearestName(name: string): string | undefined {
  const places = stepsOf(name).filter((step) => /^\d+$/.test(step))
  const known = new Map(
    allPaths().map((path) => {
      let place = 0
      const steps = path.map((word) => (word === '*' ? (places[place++] ?? '0') : capitals(word)))
      return [`${prefix}${steps.join('__')}`, true]
    }),
  )
  return nearest(name, known.keys())
}

/** The name of a variable is the operator's own, and repeated where it is of the usual form only. */
const nameText = (name: string): string =>
  /^[A-Z0-9_]{1,128}$/.test(name) ? name : `${prefix}(no plain name)`
