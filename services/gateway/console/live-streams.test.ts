import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import type { LiveView } from '@timesale/contracts/console-api'
import { Happenings } from './happenings.ts'
import { LiveStreams, type LiveSink, type LiveStreamAbout } from './live-streams.ts'

test('whoever comes hears of what has happened since, and then of everything', async () => {
  const { streams, happenings, tell } = begin()
  happenings.add(happening('one'))
  happenings.add(happening('two'))
  const [one, two] = happenings.after(0)
  const reader = join(streams, { after: one?.id ?? 0 })
  assert.deepEqual(reader.events(), ['two'])
  happenings.add(happening('three'))
  tell()
  assert.deepEqual(reader.events(), ['two', 'three', 'live'])
  assert.ok((two?.id ?? 0) > (one?.id ?? 0) && (one?.id ?? 0) > 1_700_000_000_000, 'ids of another process were less')
  reader.hangUp()
  await reader.over
  tell()
  assert.deepEqual(reader.events(), ['two', 'three', 'live'])
})

test('two hundred are kept', () => {
  const { happenings } = begin()
  for (let count = 1; count <= 250; count += 1) happenings.add(happening(String(count)))
  assert.equal(happenings.after(0).length, 200)
  assert.equal(happenings.after(0)[0]?.about, '51')
})

test('nobody watches while nobody looks', async () => {
  const { streams, listeners } = begin()
  assert.equal(listeners(), 0)
  const readers = [join(streams), join(streams)]
  assert.equal(listeners(), 1, 'once for all of them')
  for (const reader of readers) reader.hangUp()
  await Promise.all(readers.map(({ over }) => over))
  assert.equal(listeners(), 0)
  join(streams)
  assert.equal(listeners(), 1)
})

test('a stream ends with its token, with its session, and when the gateway closes', async () => {
  const { streams, tell, revoke } = begin()
  const expired = join(streams, { about: { expiresAt: Date.now() } })
  const revoked = join(streams, { about: { sessionId: 'revoked' } })
  const other = join(streams)
  tell()
  await expired.over
  revoke('revoked')
  tell()
  await revoked.over
  assert.deepEqual([expired.events(), revoked.events(), other.events()], [[], ['live'], ['live', 'live']])
  streams.close()
  await other.over
  await join(streams).over
})

test('a reader who takes nothing is sent nothing more each second, and hung up on after half a minute', () => {
  const { streams, happenings, tell } = begin()
  const reader = join(streams)
  reader.isFull = true
  tell()
  happenings.add(happening('small'))
  assert.deepEqual([reader.events(), reader.isDropped()], [['small'], false])
  mock.method(Date, 'now', () => BEGAN + 31_000)
  tell()
  mock.restoreAll()
  assert.equal(reader.isDropped(), true)
})

test('an account has twenty streams, and all have two hundred', () => {
  const { streams } = begin()
  for (let count = 0; count < 20; count += 1) join(streams, { about: { accountId: 'a' } })
  assert.throws(() => streams.requireRoom('a'), { code: 'rate-limited' })
  for (let count = 0; count < 180; count += 1) join(streams, { about: { accountId: `b-${count}` } })
  assert.throws(() => streams.requireRoom('c'), { code: 'overloaded' })
})

const BEGAN = Date.now()

function begin() {
  const listeners = new Set<(view: LiveView) => void>()
  const revoked = new Set<string>()
  const happenings = new Happenings()
  const streams = new LiveStreams({
    happenings,
    isRevoked: (sessionId) => revoked.has(sessionId),
    listen: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  })
  const tell = (): void => {
    for (const listener of listeners) listener({ at: '' } as LiveView)
  }
  return { streams, happenings, tell, revoke: (id: string) => revoked.add(id), listeners: () => listeners.size }
}

function join(
  streams: LiveStreams,
  { after = 0, about = {} }: { after?: number; about?: Partial<LiveStreamAbout> } = {},
) {
  const events: string[] = []
  const gone = Promise.withResolvers<void>()
  let isDropped = false
  const reader = { isFull: false, hangUp: gone.resolve, events: () => events, isDropped: () => isDropped }
  const sink: LiveSink = {
    send: ({ event, data }) => {
      events.push(event === 'happened' ? (JSON.parse(data) as { about: string }).about : event)
    },
    hintRetry: () => undefined,
    isFull: () => reader.isFull,
    drop: () => {
      isDropped = true
      gone.resolve()
    },
  }
  const whose = { accountId: 'operator', sessionId: 's', expiresAt: Date.now() + 60_000, ...about }
  return Object.assign(reader, { over: streams.run(whose, sink, after, gone.promise) })
}

function happening(about: string) {
  return { about, kind: 'action' as const, good: true, what: { en: about, ko: about } }
}
