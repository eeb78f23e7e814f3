import assert from 'node:assert/strict'
import { createConnection } from 'node:net'
import type { Problem } from '@timesale/contracts/problem'
import { REFUSALS } from '@timesale/contracts/refusals'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** As it came, for whoever compares bytes. */
  readonly text: string
}

export interface Request {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as it is. */
  readonly body?: string | Uint8Array<ArrayBuffer>
}

export async function send(url: string, { method = 'GET', headers = {}, body }: Request = {}): Promise<Answer> {
  const response = await fetch(url, { method, headers, ...(body === undefined ? {} : { body }) })
  return { status: response.status, headers: Object.fromEntries(response.headers), text: await response.text() }
}

/** A body of JSON, with its media type. */
export function sendJson(
  url: string,
  body: unknown,
  { method = 'POST', headers = {} }: Omit<Request, 'body'> = {},
): Promise<Answer> {
  const json = { 'content-type': 'application/json', ...headers }
  return send(url, { method, headers: json, body: JSON.stringify(body) })
}

export async function readJson<T = unknown>(url: string): Promise<T> {
  const answer = await send(url)
  assert.equal(answer.status, 200, `${url}: ${answer.text}`)
  return JSON.parse(answer.text) as T
}

/** Bytes past any HTTP client, which would put most mistakes right. The last answer before the server hangs up. */
export function sendBytes(port: number, bytes: string | Buffer, withinMs = 10_000): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = createConnection({ host: '127.0.0.1', port })
    socket.on('connect', () => socket.write(bytes))
    socket.on('data', (chunk) => chunks.push(chunk))
    // A server that refuses a request it has not read to its end resets the connection, after its answer.
    socket.on('error', (error) => (chunks.length === 0 ? reject(error) : undefined))
    socket.on('close', () => resolve(parse(Buffer.concat(chunks).toString('utf8'))))
    socket.setTimeout(withinMs, () => socket.destroy(new Error(`No answer and no end within ${withinMs} ms`)))
  })
}

/** The problem document of a refusal, which must be a whole one (RFC 9457, contracts/refusals.ts). */
export function readProblem(answer: Answer): Problem {
  const shown = `${answer.status} ${answer.text}`
  assert.match(answer.headers['content-type'] ?? '', /^application\/problem\+json(;|$)/, shown)
  const document = JSON.parse(answer.text) as Problem
  const refusal = Object.entries(REFUSALS).find(([code]) => code === document.code)?.[1]
  assert.ok(refusal !== undefined, `code is a key of REFUSALS: ${shown}`)
  assert.equal(answer.status, refusal.status, shown)
  assert.equal(document.status, refusal.status, shown)
  assert.equal(document.title, refusal.title, shown)
  assert.equal(document.type, `urn:timesale:problem:${document.code}`, shown)
  for (const error of document.errors ?? []) {
    assert.ok(error.field.length > 0 && error.message.length > 0, shown)
  }
  assert.doesNotMatch(answer.text, /node_modules|\.ts:\d|postgres|select |insert /, 'nothing of our insides leaves')
  return document
}

function parse(text: string): Answer {
  const [head = '', ...body] = text.split('\r\n\r\n')
  const [statusLine = '', ...lines] = head.split('\r\n')
  const headers = lines.map((line) => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
  })
  return {
    status: Number(statusLine.split(' ')[1]),
    headers: Object.fromEntries(headers) as Record<string, string>,
    text: body.join('\r\n\r\n'),
  }
}
