/** Reads one service's settings; `text` without a fallback is required. Numbers and URLs are checked as they are read. */
export interface EnvReader {
  text(key: string, fallback?: string): string
  /** From `min` (0) to `max`. */
  int(key: string, fallback: number, max?: number, min?: number): number
  list(key: string): string[]
  /** A list of `host:port`. */
  addresses(key: string): string[]
  /** `schemes` without a colon: `['redis', 'rediss']`; any, if left out. */
  url(key: string, schemes?: readonly string[]): string
  oneOf<const Choice extends string>(key: string, choices: readonly Choice[], fallback: Choice): Choice
  /** Undefined where it is absent or no JSON; the text is never repeated, since it may be a secret. */
  json(key: string, presence: 'required' | 'optional'): unknown
  /** A value that was read and cannot be right together with the others. */
  wrong(key: string, why: string): void
}

/** Every problem of the environment at once, so that nobody has to start five times to learn of five. */
export class BadEnvironment extends Error {
  override readonly name = 'BadEnvironment'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(`The configuration is not complete or not right:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`)
    this.problems = problems
  }
}

/**
 * Settings of a service from its environment. A key is looked up with the service's prefix first (`ORDER_DB_URL`),
 * then without it (`DB_URL`), so that what all services share is set once.
 */
export function readEnv<Config>(env: NodeJS.ProcessEnv, prefix: string, read: (get: EnvReader) => Config): Config {
  const problems: string[] = []
  const find = (key: string): string | undefined => {
    // An empty value counts as absent.
    return env[prefix + key] || env[key] || undefined
  }
  const missing = (key: string, what: string): void => {
    const otherwise = prefix === '' ? '' : ` (or ${key})`
    problems.push(`${prefix}${key}${otherwise} is missing: ${what}`)
  }
  const list = (key: string): string[] => {
    const items = (find(key) ?? '')
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '')
    if (items.length === 0) missing(key, 'a list with commas between')
    return items
  }

  const config = read({
    text(key, fallback) {
      const value = find(key) ?? fallback
      if (value === undefined) missing(key, 'a text')
      return value ?? ''
    },
    int(key, fallback, max = Number.MAX_SAFE_INTEGER, min = 0) {
      const value = find(key)
      if (value === undefined) return fallback
      if (/^-?\d{1,12}$/.test(value) && Number(value) >= min && Number(value) <= max) return Number(value)
      const bounds = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`
      problems.push(`${prefix}${key} is not a whole number ${bounds}: ${value}`)
      return fallback
    },
    list,
    addresses(key) {
      const items = list(key)
      for (const [index, item] of items.entries()) {
        // By its number: it may hold a password, and the complaint does not repeat it.
        if (!isAddress(item)) problems.push(`${prefix}${key}: item ${index + 1} of the list is not host:port`)
      }
      return items
    },
    url(key, schemes) {
      const value = find(key)
      const kind = schemes === undefined ? 'a URL' : `a URL that begins with ${schemes.join(':// or ')}://`
      if (value === undefined) missing(key, kind)
      // The value may hold a password, so the complaint does not repeat it.
      else if (!isUrl(value, schemes)) problems.push(`${prefix}${key} is not ${kind}`)
      return value ?? ''
    },
    oneOf(key, choices, fallback) {
      const value = find(key)
      const choice = choices.find((one) => one === value)
      if (value !== undefined && choice === undefined)
        problems.push(`${prefix}${key} is none of ${choices.join(', ')}: ${value}`)
      return choice ?? fallback
    },
    json(key, presence) {
      const value = find(key)
      if (value === undefined) {
        if (presence === 'required') missing(key, 'JSON')
        return undefined
      }
      try {
        return JSON.parse(value) as unknown
      } catch {
        problems.push(`${prefix}${key} is not JSON`)
        return undefined
      }
    },
    wrong(key, why) {
      problems.push(`${prefix}${key}: ${why}`)
    },
  })

  if (problems.length > 0) throw new BadEnvironment(problems)
  return config
}

function isUrl(text: string, schemes: readonly string[] | undefined): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname } = new URL(text)
  return schemes === undefined || (schemes.includes(protocol.slice(0, -1)) && hostname !== '')
}

const PORT_MAX = 65_535

/** `kafka.example:9092`, `127.0.0.1:9092`, `[::1]:9092`. */
function isAddress(text: string): boolean {
  const [, , port = ''] = /^(\[[0-9A-Fa-f:.]+\]|[^\s:/[\]]+):(\d{1,5})$/.exec(text) ?? []
  return Number(port) >= 1 && Number(port) <= PORT_MAX
}
