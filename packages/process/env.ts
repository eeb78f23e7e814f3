/** Reads one service's settings; `text` without a fallback is required. Numbers and URLs are checked as they are read. */
export interface EnvReader {
  text(key: string, fallback?: string): string
  int(key: string, fallback: number, max?: number): number
  list(key: string): string[]
  url(key: string): string
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
    super(`The environment is not complete:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`)
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
    problems.push(`${prefix}${key} (or ${key}) is missing: ${what}`)
  }

  const config = read({
    text(key, fallback) {
      const value = find(key) ?? fallback
      if (value === undefined) missing(key, 'a text')
      return value ?? ''
    },
    int(key, fallback, max = Number.MAX_SAFE_INTEGER) {
      const value = find(key)
      if (value === undefined) return fallback
      if (/^-?\d{1,12}$/.test(value) && Number(value) <= max) return Number(value)
      const bound = max === Number.MAX_SAFE_INTEGER ? '' : ` of at most ${max}`
      problems.push(`${prefix}${key} is not a whole number${bound}: ${value}`)
      return fallback
    },
    list(key) {
      const items = (find(key) ?? '')
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '')
      if (items.length === 0) missing(key, 'a list with commas between')
      return items
    },
    url(key) {
      const value = find(key)
      if (value === undefined) missing(key, 'a URL')
      // The value may hold a password, so the complaint does not repeat it.
      else if (!URL.canParse(value)) problems.push(`${prefix}${key} is not a URL`)
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
