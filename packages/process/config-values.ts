/** Settings by their names in the environment: `ORDER_DB_URL`. */
export type Settings = Readonly<Record<string, string>>

/** The configuration cannot be had, for a reason that a person has to see to. The message holds no secret. */
export class NoConfiguration extends Error {
  override readonly name = 'NoConfiguration'
}

/**
 * Settings from an object of JSON. A key may be the environment's (`ORDER_DB_URL`) or Spring's (`order.db.url`,
 * `order.db.pool-size`, `order.db.poolSize`, `kafka.brokers[0]`). Null counts as absent. An object counts twice: as JSON,
 * since it may be a value (a key set), and as the names that lead to what is in it (`{"order": {"db": {"url": ...}}}`).
 */
export function readSettings(source: object): Settings {
  const settings: Record<string, string> = {}
  for (const [name, value] of namedValues(source)) {
    const item = /^(.+)\[\d+\]$/.exec(name)
    const key = environmentName(item?.[1] ?? name)
    const text = textOf(value)
    // The items of a list stand one after the other, each under a key of its own.
    const before = item === null ? undefined : settings[key]
    if (text !== '') settings[key] = before === undefined ? text : `${before},${text}`
  }
  return settings
}

function namedValues(source: object): [string, unknown][] {
  return (Object.entries(source) as [string, unknown][]).flatMap(([name, value]) => {
    const isNested = typeof value === 'object' && value !== null && !Array.isArray(value)
    const inner = isNested ? namedValues(value) : []
    return [[name, value], ...inner.map(([key, item]): [string, unknown] => [`${name}.${key}`, item])]
  })
}

function environmentName(key: string): string {
  return key
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll(/[.-]/g, '_')
    .toUpperCase()
}

// A list of plain values is written as the environment has it; anything deeper (a key set, say) stays JSON.
function textOf(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'string') return value
  if (Array.isArray(value) && value.every((item) => typeof item !== 'object')) return value.map(textOf).join(',')
  return JSON.stringify(value)
}

/**
 * One environment of many, the first of which goes before the next. An empty value counts as absent. A plain key
 * (`LOG_LEVEL`) hides the prefixed one (`ORDER_LOG_LEVEL`) of what comes behind it, which would otherwise be found first.
 */
export function joinSettings(prefix: string, sources: readonly Readonly<NodeJS.ProcessEnv>[]): NodeJS.ProcessEnv {
  const joined = new Map<string, string>()
  for (const source of sources.toReversed()) {
    const present = Object.entries(source).filter((entry): entry is [string, string] => Boolean(entry[1]))
    for (const [key] of present) joined.delete(prefix + key)
    for (const [key, value] of present) joined.set(key, value)
  }
  return Object.fromEntries(joined)
}
