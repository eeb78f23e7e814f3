import { send } from '@timesale/testkit/http'

// What a service says of itself in /openapi.json, as requests: so a route that is added is looked at by itself.

export interface Schema {
  readonly type?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly pattern?: string
  readonly format?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minItems?: number
  readonly minProperties?: number
  readonly minimum?: number
}

interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly schema: Schema
  readonly required?: boolean
}

export interface Operation {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** `/orders/{orderId}` */
  readonly path: string
  readonly tags: readonly string[]
  readonly parameters: readonly Parameter[]
  readonly body: Schema | undefined
}

interface Described {
  readonly tags?: readonly string[]
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> }
}

/** All of a server's operations but those that every server has. */
export async function readOperations(url: string): Promise<Operation[]> {
  const { text } = await send(`${url}/openapi.json`)
  const { paths } = JSON.parse(text) as { paths: Record<string, Record<string, Described>> }
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([method]) => method !== 'head')
      .map(([method, { tags = [], parameters = [], requestBody }]) => ({
        method: method.toUpperCase() as Operation['method'],
        path,
        tags,
        parameters,
        body: requestBody?.content['application/json']?.schema,
      })),
  )
}

/** A value that a schema takes: what it requires, and one property where it wants at least one. */
export function exampleOf(schema: Schema, name = ''): unknown {
  if (schema.const !== undefined) return schema.const
  if (schema.enum !== undefined) return schema.enum[0]
  const [first] = schema.anyOf ?? []
  if (first !== undefined) return exampleOf(first, name)
  if (schema.type === 'object') return exampleObject(schema)
  if (schema.type === 'array') return (schema.minItems ?? 0) > 0 ? [exampleOf(schema.items ?? {})] : []
  if (schema.type === 'integer' || schema.type === 'number') return Math.max(1, schema.minimum ?? 1)
  if (schema.type === 'boolean') return true
  return exampleText(schema, name)
}

function exampleObject({ properties = {}, required = [], minProperties = 0 }: Schema): object {
  const names = required.length > 0 ? required : Object.keys(properties).slice(0, minProperties)
  return Object.fromEntries(names.map((name) => [name, exampleOf(properties[name] ?? {}, name)]))
}

const TEXTS = ['hostile-1', 'KRW', '20', '000000000000001~hostile-1', '"1"', 'A long enough password']

function exampleText(schema: Schema, name: string): string {
  if (schema.format === 'date-time') return name.startsWith('ends') ? '2099-01-02T00:00:00Z' : '2099-01-01T00:00:00Z'
  if (name === 'email') return 'hostile@example.com'
  const fits = (text: string): boolean =>
    text.length >= (schema.minLength ?? 0) &&
    text.length <= (schema.maxLength ?? Infinity) &&
    (schema.pattern === undefined || new RegExp(schema.pattern, 'u').test(text))
  const found = TEXTS.find(fits)
  if (found === undefined) throw new Error(`No example fits ${name} ${JSON.stringify(schema)}; add one to TEXTS`)
  return found
}

export type Place = readonly string[]

/** Where texts stand in a body, those included that are not required. */
export function textPlaces(schema: Schema, at: Place = []): Place[] {
  const [first] = schema.anyOf ?? []
  if (first !== undefined) return textPlaces(first, at)
  if (schema.properties !== undefined) {
    return Object.entries(schema.properties).flatMap(([name, one]) => textPlaces(one, [...at, name]))
  }
  return schema.type === 'string' || schema.enum !== undefined ? [at] : []
}

/** Where objects stand in a body, the body itself first. */
export function objectPlaces(schema: Schema, at: Place = []): Place[] {
  if (schema.properties === undefined) return []
  const inside = Object.entries(schema.properties).flatMap(([name, one]) => objectPlaces(one, [...at, name]))
  return [at, ...inside]
}

/** The body with another value at a place; what leads there is made from the schema where it is missing. */
export function withValue(schema: Schema, body: unknown, [name, ...rest]: Place, value: unknown): unknown {
  if (name === undefined) return value
  const inner = schema.properties?.[name] ?? {}
  const before = (body as Record<string, unknown>)[name] ?? (rest.length > 0 ? exampleOf(inner, name) : undefined)
  // Not by spreading into a literal: `__proto__` is a name like any other here.
  const changed: Record<string, unknown> = { ...(body as object) }
  Object.defineProperty(changed, name, { value: withValue(inner, before, rest, value), enumerable: true })
  return changed
}

/** The path with its parameters put in, as they are. */
export function pathOf({ path }: Operation, values: Readonly<Record<string, string>>): string {
  return path.replaceAll(/\{([^}]+)\}/g, (_all, name: string) => values[name] ?? 'hostile-1')
}

/** What is required of the query. */
export function queryOf({ parameters }: Operation): Record<string, string> {
  const needed = parameters.filter((one) => one.in === 'query' && one.required === true)
  return Object.fromEntries(needed.map(({ name, schema }) => [name, exampleText(schema, name)]))
}
