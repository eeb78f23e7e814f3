import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { until } from '@timesale/testkit/until'
import { followEvents, type StreamState } from './event-stream.ts'

// A browser and a gateway, as far as a stream has to do with them.

const WITHIN_MS = 5_000

class FakeDocument extends EventTarget {
  hidden = false

  turn(hidden: boolean): void {
    this.hidden = hidden
    this.dispatchEvent(new Event('visibilitychange'))
  }
}

let page: FakeDocument
let states: StreamState['is'][]
let heard: unknown[]
/** Streams that are held, each with what it was opened with. */
let open: { readonly say: (text: string) => void; readonly after: string | null }[]
let opened: number
let leaving: AbortController

beforeEach(() => {
  page = new FakeDocument()
  ;[states, heard, open, opened, leaving] = [[], [], [], 0, new AbortController()]
  const session = JSON.stringify({ accessToken: 'token', expiresAt: Number.MAX_SAFE_INTEGER, roles: ['operator'] })
  Object.assign(globalThis, { document: page, localStorage: { getItem: () => session }, fetch: answer })
})

afterEach(() => leaving.abort())

test('no stream is held while the page is hidden, and it goes on where it was when it is shown', async () => {
  follow()
  await until('it is open', () => open.length === 1, WITHIN_MS)
  open[0]?.say('id: 7\ndata: 1\n\n')
  await until('an event is heard', () => heard.length === 1, WITHIN_MS)
  page.turn(true)
  await until('it is closed', () => open.length === 0, WITHIN_MS)
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.equal(opened, 1)
  page.turn(false)
  await until('it is open again', () => open.length === 1, WITHIN_MS)
  assert.equal(open[0]?.after, '7')
  assert.deepEqual(states, ['connecting', 'open', 'connecting', 'open'])
})

test('a page that begins in the background opens nothing before it is shown', async () => {
  page.turn(true)
  follow()
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.equal(opened, 0)
  page.turn(false)
  await until('it is open', () => open.length === 1, WITHIN_MS)
})

test('a server that says nothing for longer than this stream may be silent is gone', async () => {
  follow({ silentMs: 50 })
  await until('it is broken, and opened again', () => states.includes('broken') && opened > 1, WITHIN_MS)
  assert.deepEqual(states.slice(0, 3), ['connecting', 'open', 'broken'])
})

test('a server that takes the request and answers nothing is gone after ten seconds', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  globalThis.fetch = (_path, init) =>
    new Promise((_resolve, reject) => {
      opened += 1
      init?.signal?.addEventListener('abort', () => reject(init.signal?.reason as Error))
    })
  follow()
  await settled()
  assert.equal(opened, 1)
  t.mock.timers.tick(9_999)
  await settled()
  assert.deepEqual(states, ['connecting'])
  t.mock.timers.tick(1)
  await settled()
  assert.deepEqual(states, ['connecting', 'broken'])
})

/** What follows from promises alone has followed. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function follow(options: { readonly silentMs?: number } = {}): void {
  void followEvents({
    ...{ seat: 'operator', path: '/api/stream', signal: leaving.signal, ...options },
    onState: ({ is }) => states.push(is),
    onEvent: ({ data }) => heard.push(data),
  })
}

function answer(
  _path: string,
  { signal, headers }: { signal: AbortSignal; headers: Record<string, string> },
): Response {
  opened += 1
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      const held = {
        say: (text: string) => controller.enqueue(new TextEncoder().encode(text)),
        after: headers['last-event-id'] ?? null,
      }
      open.push(held)
      signal.addEventListener('abort', () => {
        open = open.filter((one) => one !== held)
        controller.error(signal.reason)
      })
    },
  })
  return new Response(body)
}
