import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { deadLetterTopic } from '@timesale/contracts/topics'
import { startInfrastructure, type Infrastructure, type TestPart } from '@timesale/testkit/infrastructure'
import { Offsets } from '@timesale/testkit/offsets'
import { pausePostgres } from '@timesale/testkit/parts'
import { PROBE, makeProbeTable, orderRecord, readEffects, startProbe, type Probe } from '@timesale/testkit/probe'
import { produce } from '@timesale/testkit/records'
import { until } from '@timesale/testkit/until'

test('a database that is killed in mid-stream delays events, and each is applied once', async () => {
  const { stream, assertAllAppliedOnce } = setup()
  const postgres = part('postgres')
  await using probe = startProbe(infra)
  await using orders = stream()
  for (const _round of [1, 2]) {
    const before = await until('the database answers', async () => (await readEffects(infra)).length)
    await until('events flow', async () => (await readEffects(infra)).length > before + 20)
    const tried = retries(probe)
    await postgres.kill()
    await until('the consumer has tried again', () => retries(probe) > tried)
    await postgres.start()
  }
  await assertAllAppliedOnce(await orders.end())
  await until('it is a member', () => probe.consumer.state === 'joined')
})

test('a database that hangs in mid-stream delays events, and each is applied once when it goes on', async () => {
  const { stream, assertAllAppliedOnce } = setup()
  await using probe = startProbe(infra)
  await using orders = stream()
  const before = (await readEffects(infra)).length
  await until('events flow', async () => (await readEffects(infra)).length > before + 20)
  const tried = retries(probe)
  const resume = await pausePostgres(infra, PROBE.group)
  try {
    // Its own deadline, since nothing tells it that the server hangs.
    await until('the consumer has given up on a connection', () => retries(probe) > tried)
  } finally {
    resume()
  }
  await assertAllAppliedOnce(await orders.end())
})

test('a broker that is killed in mid-stream delays events, and each is applied once', async () => {
  const { stream, assertAllAppliedOnce } = setup()
  const kafka = part('kafka-1')
  await using probe = startProbe(infra)
  await using orders = stream()
  const before = (await readEffects(infra)).length
  await until('events flow', async () => (await readEffects(infra)).length > before + 20)
  await kafka.kill()
  await until('the consumer has noticed', () =>
    probe.log.some(({ msg }) => msg.includes('a fetch failed') || msg.includes('the session broke')),
  )
  await kafka.start()
  await assertAllAppliedOnce(await orders.end())
  await until('it is a member again', () => probe.consumer.state === 'joined')
})

test('two consumers of a group share the partitions, and one goes on alone when the other leaves', async () => {
  const { stream, assertAllAppliedOnce } = setup()
  const shares = async (...sizes: number[]): Promise<boolean> => {
    const members = await offsets.members(PROBE.group, PROBE.topic)
    const taken = members.flat().sort()
    return members.map(({ length }) => length).join() === sizes.join() && taken.join() === '0,1,2,3,4,5'
  }
  const appliedBy = async (name: string): Promise<number> =>
    (await readEffects(infra)).filter(({ probe }) => probe === name).length

  await using orders = stream()
  await using first = startProbe(infra, { name: 'first' })
  await until('the first has all', () => shares(6))
  await using _second = startProbe(infra, { name: 'second' })
  await until('each has three', () => shares(3, 3))
  const before = { first: await appliedBy('first'), second: await appliedBy('second') }
  await until('both work', async () => {
    return (await appliedBy('first')) > before.first + 20 && (await appliedBy('second')) > before.second + 20
  })
  await first.stop()
  await until('the second has all', () => shares(6))
  const alone = await appliedBy('second')
  await until('it goes on', async () => (await appliedBy('second')) > alone + 20)
  await assertAllAppliedOnce(await orders.end())
})

let infra: Infrastructure
let offsets: Offsets

before(async () => {
  infra = await startInfrastructure({ databases: [PROBE.group], kafka: true })
  offsets = new Offsets(infra.brokers)
  await makeProbeTable(infra)
})

after(async () => {
  await offsets[Symbol.asyncDispose]()
  await infra[Symbol.asyncDispose]()
})

// A steady stream, so that a fault finds events under way, on two cores that others use too.
const PACE_MS = 30

let tests = 0

function setup() {
  tests += 1
  const prefix = `t${tests}`
  const { sql } = infra.admin(PROBE.group)
  return {
    /** Orders without end, each placed and confirmed, whatever the broker does. `end` answers their ids. */
    stream(): AsyncDisposable & { end(): Promise<string[]> } {
      const stop = new AbortController()
      const ids: string[] = []
      const done = (async () => {
        for (let chunk = 0; !stop.signal.aborted; chunk += 1) {
          const fresh = Array.from({ length: 10 }, (_, index) => `${prefix}-${chunk}-${index}`)
          const records = [1, 2].flatMap((version) => fresh.map((id) => orderRecord(id, version)))
          ids.push(...fresh)
          // What the broker took before it died is there twice then, as after a relay that was killed.
          await until('the broker takes records', () => produce(infra.brokers, records).then(() => true))
          await sleep(PACE_MS)
        }
        return ids
      })()
      done.catch(() => undefined)
      const end = (): Promise<string[]> => {
        stop.abort()
        return done
      }
      return { end, [Symbol.asyncDispose]: async () => void (await end().catch(() => undefined)) }
    },
    async assertAllAppliedOnce(ids: readonly string[]): Promise<void> {
      await until('the group has caught up', async () => (await offsets.lag(PROBE.group, PROBE.topic)) === 0)
      const applied = new Map<string, number[]>(ids.map((id) => [id, []]))
      for (const { orderId, version } of await readEffects(infra)) applied.get(orderId)?.push(version)
      assert.ok(ids.length >= 20, `${ids.length} orders`)
      const wrong = [...applied].filter(([, versions]) => versions.join() !== '1,2')
      assert.deepEqual(wrong, [], 'every version of every order once, in order')
      assert.deepEqual(await sql`select * from parked_events`, [])
      assert.deepEqual(await sql`select * from dead_letters`, [])
      assert.equal(await offsets.count(deadLetterTopic(PROBE.topic, PROBE.group)), 0)
    },
  }
}

function part(name: string): TestPart {
  const found = infra.parts.get(name)
  assert.ok(found)
  return found
}

function retries(probe: Probe): number {
  return probe.log.filter(({ msg }) => msg === 'consumer: will try the batch again').length
}
