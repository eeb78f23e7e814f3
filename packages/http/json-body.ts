import { Refusal } from '@timesale/contracts/refusals'
import type { HttpServer } from './server.ts'

/**
 * Takes bodies of JSON as they are or not at all: nothing is dropped, replaced or guessed on the way to validation.
 * What is refused would otherwise mean one thing to the sender and another to us.
 */
export function takeJson(app: HttpServer): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (request.headers['content-encoding'] !== undefined) {
      return done(refuse('unsupported-media-type', 'content-encoding', 'must be absent: bodies are taken as they are'))
    }
    if (NOT_UTF8.test(request.headers['content-type'] ?? '')) {
      return done(refuse('unsupported-media-type', 'content-type', 'has a charset that is not utf-8'))
    }
    let text: string
    try {
      text = utf8.decode(body)
    } catch {
      return done(refuse('invalid-json', 'body', 'is not UTF-8'))
    }
    // A POST without a body is a body that is missing where the route wants one, and nothing wrong where it does not.
    if (text === '') return done(null, undefined)
    const plain = parsePlain(text)
    if (plain !== undefined) return done(null, plain)
    void parse(request, text, (error, value) => {
      if (error !== null) return done(refuseJson(text))
      const twice = repeatedKey(text)
      if (twice !== undefined) return done(refuse('invalid-request', twice, 'is there twice'))
      const broken = brokenText(text)
      if (broken !== undefined) return done(refuse('invalid-request', broken, 'has half a character in it'))
      done(null, value)
    })
  })
}

// A body that comes out again letter by letter has no key twice, no half letter and nothing else to be found: so most
// are told at a third of the cost of looking.
function parsePlain(text: string): unknown {
  if (SUSPICIOUS.test(text)) return undefined
  try {
    const value = JSON.parse(text) as unknown
    return JSON.stringify(value) === text ? value : undefined
  } catch {
    return undefined
  }
}

const SUSPICIOUS = /\\|__proto__|constructor/

/** A charset, in quotes or not, that is none of the names of UTF-8. */
const NOT_UTF8 = /;\s*charset\s*=(?!"?utf-?8"?\s*(?:;|$))/i

const utf8 = new TextDecoder('utf-8', { fatal: true })

function refuse(code: 'unsupported-media-type' | 'invalid-json' | 'invalid-request', field: string, message: string) {
  return new Refusal(code, { errors: [{ field, message }] }, `${field} ${message}`)
}

// The strict parser refuses two things: what is not JSON, and keys that would reach into an object's prototype.
function refuseJson(text: string): Refusal {
  try {
    JSON.parse(text)
  } catch {
    return refuse('invalid-json', 'body', 'is not valid JSON')
  }
  const field = text.includes('constructor') && !text.includes('__proto__') ? 'constructor' : '__proto__'
  return refuse('invalid-request', field, 'is not allowed')
}

// Of a key that stands twice in one object, JSON.parse keeps the last value and says nothing. By hand, since a regular
// expression takes four times as long as parsing itself. The text is valid JSON: a string before a colon is a key.
function repeatedKey(text: string): string | undefined {
  const objects: Set<string>[] = []
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at]
    if (letter === '{') objects.push(new Set())
    else if (letter === '}') objects.pop()
    else if (letter === '"') {
      const start = at
      for (at += 1; text[at] !== '"'; at += 1) if (text[at] === '\\') at += 1
      if (!isBeforeColon(text, at + 1)) continue
      // Escapes are resolved: "a" and "\u0061" are one key.
      const key = JSON.parse(text.slice(start, at + 1)) as string
      if (objects.at(-1)?.has(key) === true) return key
      objects.at(-1)?.add(key)
    }
  }
  return undefined
}

function isBeforeColon(text: string, at: number): boolean {
  let next = at
  while (text[next] === ' ' || text[next] === '\n' || text[next] === '\r' || text[next] === '\t') next += 1
  return text[next] === ':'
}

// An escaped surrogate without its other half is JSON and no text: PostgreSQL would be sent another letter instead.
function brokenText(text: string): string | undefined {
  if (!/\\u[dD][89a-fA-F]/.test(text)) return undefined
  let broken: string | undefined
  JSON.parse(text, (key, value: unknown) => {
    if (typeof value === 'string' && !value.isWellFormed()) broken = key === '' ? 'body' : key
    return value
  })
  return broken
}
