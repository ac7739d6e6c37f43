import { z } from 'zod'
import { chainFamilies } from '../chains/registry.ts'
import { chainConfig } from './chainConfig.ts'
import { broadcasterConfig } from './config.ts'

/** What the schema knows of keys, for what is asked about them beside parsing: nearest names, the environment, the reference page. */

/** What a value may be, without what only wraps it (defaults, transforms); of a union, each. */
export function alternativesOf(schema: z.core.$ZodType): readonly z.core.$ZodType[] {
  if (schema === chainConfig)
    return Object.values(chainFamilies).flatMap(({ config }) => alternativesOf(config))
  const inner = wrappedBy(schema)
  if (inner) return alternativesOf(inner)
  return schema instanceof z.ZodUnion ? schema.options.flatMap(alternativesOf) : [schema]
}

/** The schema that this one only adds to, where it does: a default, a transform. */
export function wrappedBy(schema: z.core.$ZodType): z.core.$ZodType | undefined {
  if (schema instanceof z.ZodPipe) return schema.in
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) return schema.unwrap()
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) return schema.unwrap()
  return undefined
}

/** What may stand at a path; `value` is the whole configuration as written, which says which kind of store or chain is meant. */
export function schemasAt(path: readonly PropertyKey[], value?: unknown): readonly z.core.$ZodType[] {
  let at: readonly z.core.$ZodType[] = meantBy(alternativesOf(broadcasterConfig), value)
  let here = value
  for (const word of path) {
    here = isContainer(here) && Object.hasOwn(here, word) ? here[word] : undefined
    at = meantBy(
      at.flatMap((schema) => childOf(schema, word)),
      here,
    )
  }
  return at
}

/** The keys of an object that may stand at a path. */
export function keysAt(path: readonly PropertyKey[], value?: unknown): readonly string[] {
  const objects = schemasAt(path, value).filter((schema) => schema instanceof z.ZodObject)
  return [...new Set(objects.flatMap(({ shape }) => Object.keys(shape)))]
}

/** All paths that have a name; `*` is an index or the name of a header. */
export function allPaths(): readonly (readonly string[])[] {
  const found = new Map<string, readonly string[]>()
  const visit = (schema: z.core.$ZodType, path: readonly string[]): void => {
    if (path.length > 0) found.set(path.join('.'), path)
    for (const one of alternativesOf(schema)) {
      if (one instanceof z.ZodObject) {
        for (const [key, child] of Object.entries(one.shape)) visit(child as z.core.$ZodType, [...path, key])
      }
      if (one instanceof z.ZodArray) visit(one.element, [...path, '*'])
      if (one instanceof z.ZodRecord) visit(one.valueType, [...path, '*'])
    }
  }
  visit(broadcasterConfig, [])
  return [...found.values()]
}

function childOf(schema: z.core.$ZodType, word: PropertyKey): readonly z.core.$ZodType[] {
  if (schema instanceof z.ZodObject) {
    const shape = schema.shape as Record<PropertyKey, z.core.$ZodType>
    const child = Object.hasOwn(shape, word) ? shape[word] : undefined
    return child ? alternativesOf(child) : []
  }
  if (schema instanceof z.ZodArray) return /^\d+$/.test(String(word)) ? alternativesOf(schema.element) : []
  return schema instanceof z.ZodRecord ? alternativesOf(schema.valueType) : []
}

/** Of several, those that the value can mean: a list, or the object whose fixed words it has. All, where none fits. */
function meantBy(schemas: readonly z.core.$ZodType[], value: unknown): readonly z.core.$ZodType[] {
  if (!isContainer(value)) return schemas
  const meant = schemas.filter((schema) => {
    if (schema instanceof z.ZodArray || Array.isArray(value))
      return schema instanceof z.ZodArray && Array.isArray(value)
    if (!(schema instanceof z.ZodObject)) return schema instanceof z.ZodRecord
    return Object.entries(schema.shape).every(([key, child]) => {
      const word = value[key]
      if (word === undefined) return true
      if (child instanceof z.ZodLiteral) return child.values.has(word as string)
      return key !== 'chain' || isOfFamily(schema, word)
    })
  })
  return meant.length > 0 ? meant : schemas
}

function isOfFamily(schema: z.core.$ZodType, chain: unknown): boolean {
  const family = Object.entries(chainFamilies).find(([, { config }]) =>
    alternativesOf(config).includes(schema),
  )
  return family === undefined || String(chain).startsWith(`${family[0]}:`)
}

function isContainer(value: unknown): value is Record<PropertyKey, unknown> {
  return typeof value === 'object' && value !== null
}
