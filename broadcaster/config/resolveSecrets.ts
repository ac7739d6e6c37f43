import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { z } from 'zod'
import { ConfigError } from './config.ts'
import { schemasAt } from './configKeys.ts'
import { pathText } from './faultsOf.ts'
import type { Variables } from './overrideFromEnvironment.ts'

const maxSecretBytes = 65_536

export interface Resolved {
  readonly value: unknown
  /** What an operator should know, a sentence each. */
  readonly warnings: readonly string[]
}

/**
 * Wherever a text may stand, `{ file: path }` stands for what is in the file (without its last line end; relative to `folder`)
 * and `{ env: NAME }` for what is in the variable.
 * @throws ConfigError which names the key, and neither the file nor the variable
 */
export async function resolveSecrets(
  written: unknown,
  folder: string,
  variables: Variables,
  placeOf: (path: readonly PropertyKey[]) => string | undefined,
): Promise<Resolved> {
  const warnings: string[] = []
  const faults: string[] = []
  const name = (path: readonly PropertyKey[]): string => {
    const place = placeOf(path)
    return `${pathText(path)}${place ? ` (${place})` : ''}`
  }

  async function resolveAt(value: unknown, path: readonly PropertyKey[]): Promise<unknown> {
    if (typeof value !== 'object' || value === null) return value
    const found = referenceIn(value, path)
    if (found) {
      const { text, fault, warning } =
        'env' in found ? fromVariable(found.env, variables) : await fromFile(resolve(folder, found.file))
      if (fault) faults.push(`  ${name(path)}: ${fault}`)
      if (warning) warnings.push(`${name(path)}: ${warning}`)
      return text
    }
    if (Array.isArray(value)) {
      return Promise.all(value.map((item, index) => resolveAt(item, [...path, index])))
    }
    const entries = Object.entries(value).map(
      async ([key, item]) => [key, await resolveAt(item, [...path, key])] as const,
    )
    return Object.fromEntries(await Promise.all(entries))
  }

  function referenceIn(
    value: object,
    path: readonly PropertyKey[],
  ): { readonly file: string } | { readonly env: string } | undefined {
    const [entry, ...more] = Object.entries(value)
    if (!entry || more.length > 0 || !/^(file|env)$/.test(entry[0]) || typeof entry[1] !== 'string') {
      return undefined
    }
    const takesText = schemasAt(path, written).some(
      (schema) => schema instanceof z.ZodString || schema instanceof z.ZodStringFormat,
    )
    return takesText ? (value as { readonly file: string } | { readonly env: string }) : undefined
  }

  const value = await resolveAt(written, [])
  if (faults.length > 0) throw new ConfigError(`What the configuration refers to:\n${faults.join('\n')}`)
  return { value, warnings }
}

interface Found {
  readonly text?: string
  readonly fault?: string
  readonly warning?: string
}

function fromVariable(variable: string, variables: Variables): Found {
  const text = Object.hasOwn(variables, variable) ? variables[variable] : undefined
  return text ? { text } : { fault: 'the environment variable that it names is not set' }
}

async function fromFile(path: string): Promise<Found> {
  try {
    const { mode, size } = await stat(path)
    if (size > maxSecretBytes)
      return { fault: `the file that it names is longer than ${maxSecretBytes} bytes` }
    const text = (await readFile(path, 'utf8')).replace(/\r?\n$/, '')
    if (text === '') return { fault: 'the file that it names is empty' }
    if (process.platform === 'win32') return { text }
    if ((mode & 0o022) !== 0) return { fault: 'others may write the file that it names: chmod 600 it' }
    // Under /run lies what a supervisor mounted for this process; its modes are not the operator's to set.
    const isOpen = (mode & 0o004) !== 0 && !path.startsWith('/run/')
    return isOpen ? { text, warning: 'others may read the file that it names: chmod 600 it' } : { text }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return { fault: `the file that it names cannot be read${code ? ` (${code})` : ''}` }
  }
}
