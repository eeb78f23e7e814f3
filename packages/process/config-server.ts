import { setTimeout as sleep } from 'node:timers/promises'
import { NoConfiguration, readSettings, type Settings } from './config-values.ts'

/** A configuration server that speaks as Spring Cloud Config does. */
export interface ConfigServer {
  /** `http://user:password@host:8888`, with or without a path. */
  readonly url: string
  readonly profile: string
  readonly label: string | undefined
}

export interface ConfigAnswer {
  /** The first goes before the next. */
  readonly sources: readonly Settings[]
  /** Where it was asked, without user and password, and what it has. */
  readonly place: string
}

/** How long to wait for it, in milliseconds. */
interface Patience {
  /** Until a try is given up. */
  readonly tryMs: number
  /** Until no more are made. */
  readonly allMs: number
}

const PATIENCE: Patience = { tryMs: 3_000, allMs: 30_000 }
const BACKOFF_MIN_MS = 100
const BACKOFF_MAX_MS = 2_000
/** Answers for which another try may get another one; whatever else is wrong stays so. */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504])

/**
 * What a configuration server has for an application: GET {url}/{application}/{profile}[/{label}]
 * (https://docs.spring.io/spring-cloud-config/reference/server.html). One that is away or slow is asked again, and
 * `say` hears once of what is waited for. Throws NoConfiguration when it is away for too long, or answers something else.
 */
export async function askConfigServer(
  server: ConfigServer,
  application: string,
  say: (text: string) => void,
  patience = PATIENCE,
): Promise<ConfigAnswer> {
  const { request, shown } = requestOf(server, application)
  const end = performance.now() + patience.allMs
  for (let attempt = 1; ; attempt += 1) {
    const answer = await tryOnce(request, patience.tryMs)
    if ('body' in answer) {
      const { names, sources } = readAnswer(answer.body, shown)
      const has = names.length === 0 ? 'which has nothing for it' : `which has ${names.join(', ')}`
      return { sources, place: `the configuration server ${shown}, ${has}` }
    }
    const { why, isFinal } = answer
    if (isFinal) throw new NoConfiguration(`The configuration server ${shown} (CONFIG_URL) ${why}.`)
    const wait = Math.min(BACKOFF_MIN_MS * 2 ** attempt, BACKOFF_MAX_MS) * (0.5 + Math.random() / 2)
    if (performance.now() + wait >= end) {
      const seconds = Math.round(patience.allMs / 1000)
      throw new NoConfiguration(
        `The configuration server ${shown} (CONFIG_URL) ${why}; it was asked for ${seconds} s. ` +
          'Start it, or correct CONFIG_URL.',
      )
    }
    if (attempt === 1) say(`${application}: waits for the configuration server ${shown}, which ${why}`)
    await sleep(wait)
  }
}

interface ConfigRequest {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
}

function requestOf(server: ConfigServer, application: string): { request: ConfigRequest; shown: string } {
  const url = URL.canParse(server.url) ? new URL(server.url) : undefined
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    // Not repeated: it may hold a password.
    throw new NoConfiguration('CONFIG_URL is not a URL that begins with http:// or https://.')
  }
  const headers: Record<string, string> = { accept: 'application/json' }
  if (url.username !== '' || url.password !== '') {
    const user = `${decoded(url.username)}:${decoded(url.password)}`
    headers['authorization'] = `Basic ${Buffer.from(user).toString('base64')}`
  }
  // fetch takes no URL that has them, and nobody else shall see them.
  url.username = ''
  url.password = ''
  url.search = ''
  url.hash = ''
  // Spring's way to write a branch that has a slash in its name.
  const steps = [application, server.profile, ...(server.label === undefined ? [] : [server.label])]
  const path = steps.map((step) => encodeURIComponent(step.replaceAll('/', '(_)'))).join('/')
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${path}`
  return { request: { url, headers }, shown: url.href }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

type Try = { readonly body: string } | { readonly why: string; readonly isFinal: boolean }

async function tryOnce({ url, headers }: ConfigRequest, ms: number): Promise<Try> {
  try {
    // A redirect may lead to a page to log in at, and never to settings.
    const response = await fetch(url, { headers, redirect: 'manual', signal: AbortSignal.timeout(ms) })
    if (response.status === 200) return { body: await response.text() }
    await response.body?.cancel()
    if (response.status === 401 || response.status === 403) {
      return { why: `answers ${response.status}: user or password in it is missing or wrong`, isFinal: true }
    }
    return { why: `answers ${response.status}`, isFinal: !PASSING.has(response.status) }
  } catch (error) {
    return { why: `does not answer (${reasonOf(error)})`, isFinal: false }
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  if (error.name === 'TimeoutError') return 'too slow'
  const { cause } = error as { cause?: NodeJS.ErrnoException }
  return cause?.code ?? 'the connection was lost'
}

function readAnswer(body: string, shown: string): { names: string[]; sources: Settings[] } {
  const sources = sourcesOf(body)
  if (sources === undefined) {
    throw new NoConfiguration(
      `The configuration server ${shown} (CONFIG_URL) answers something else than ` +
        'Spring Cloud Config would: a "propertySources" list, each with a "source".',
    )
  }
  return {
    names: sources.map(({ name }) => (typeof name === 'string' ? name : '?')),
    sources: sources.map((one) => readSettings(one.source)),
  }
}

function sourcesOf(body: string): { name?: unknown; source: object }[] | undefined {
  let answer: unknown
  try {
    answer = JSON.parse(body)
  } catch {
    // The parser's own message quotes what it stumbled over.
    return undefined
  }
  const list = isObject(answer) ? (answer as { propertySources?: unknown }).propertySources : undefined
  if (!Array.isArray(list) || !list.every((one) => isObject(one) && isObject((one as { source?: unknown }).source)))
    return undefined
  return list as { name?: unknown; source: object }[]
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
