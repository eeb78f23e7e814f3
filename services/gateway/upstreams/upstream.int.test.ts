import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { afterEach, describe, test } from 'node:test'
import { pino } from 'pino'
import { Refusal } from '@timesale/contracts/refusals'
import { servicePorts } from '@timesale/testkit/infrastructure'
import { until } from '@timesale/testkit/until'
import type { Answer } from './call.ts'
import { answerJson, startStandIn, type Behaviour, type StandIn } from './stand-in.ts'
import { Upstream, type Outcome, type UpstreamRequest } from './upstream.ts'

describe('an instance that is gone', () => {
  test('is passed over for every method, since nothing was sent to it', async () => {
    const { ask, instances } = await start(2)
    await instances[0].stop()
    for (let time = 0; time < 30; time += 1) assert.equal((await ask({ method: 'POST' })).status, 200)
    assert.equal(instances[1].reached.length, 30)
  })

  test('and no other is there: refused, with no effect', async () => {
    const { refused, instances } = await start(2)
    await Promise.all(instances.map((instance) => instance.stop()))
    const refusal = await refused({ method: 'POST', idempotent: true })
    assert.equal(refusal.code, 'upstream-unavailable')
    assert.deepEqual(refusal.about, { upstream: 'order', accepted: false })
  })

  test('and comes back: it is asked again', async () => {
    const { ask, instances } = await start(2)
    await instances[0].stop()
    await ask({})
    await instances[0].start()
    await until('it is asked again', async () => {
      await ask({})
      return instances[0].reached.length > 0
    })
  })
})

describe('an answer that is lost', () => {
  test('is asked for again elsewhere where that does no harm', async () => {
    const { ask, instances, outcomes } = await start(2)
    instances[0].behave = hangUp
    for (let time = 0; time < 6; time += 1) assert.equal((await ask({ method: 'POST', idempotent: true })).status, 200)
    assert.equal(instances[1].reached.length, 6)
    assert.equal(outcomes.filter((one) => one === 'retried').length, instances[0].reached.length)
  })

  test('is not asked for again where it might do harm, and nobody says that it had no effect', async () => {
    const { refused, instances } = await start(2)
    for (const instance of instances) instance.behave = hangUp
    const refusal = await refused({ method: 'POST', idempotent: false })
    assert.equal(refusal.code, 'upstream-failed')
    assert.deepEqual(refusal.about, { upstream: 'order' })
    assert.equal(reachedBy(instances), 1)
  })

  test('is not asked for again once it has begun', async () => {
    const { refused, instances } = await start(2)
    for (const instance of instances) {
      instance.behave = (_request, answer) => {
        answer.writeHead(200, { 'content-length': '100' })
        answer.write('half of it', () => answer.destroy())
      }
    }
    assert.equal((await refused({ idempotent: true })).code, 'upstream-failed')
    assert.equal(reachedBy(instances), 1)
  })

  test('and the second one says no: that is true of the second one alone', async () => {
    const { refused, ask, instances } = await start(2)
    for (const status of [409, 429, 503]) {
      let first = true
      for (const instance of instances) {
        instance.behave = (...about) => {
          if (!first) return answerJson({ accepted: false }, status)(...about)
          first = false
          hangUp(...about)
        }
      }
      assert.equal((await refused({ method: 'POST', idempotent: true })).code, 'upstream-failed', String(status))
      first = true
      assert.equal((await ask({ method: 'GET', idempotent: true })).status, status)
    }
  })

  test('of one that has no others: its next connection is tried', async () => {
    const { ask, instances } = await start(1)
    let first = true
    instances[0].behave = (...about) => {
      if (!first) return answerJson({ ok: true })(...about)
      first = false
      hangUp(...about)
    }
    assert.equal((await ask({ idempotent: true })).status, 200)
  })

  test('is asked for again in a tenth of all requests, and ten times more', async () => {
    const { upstream, instances, outcomes } = await start(1)
    // Too seldom for the breaker to open.
    let count = 0
    instances[0].behave = (...about) => {
      count += 1
      return count % 3 === 0 ? hangUp(...about) : answerJson({ ok: true })(...about)
    }
    for (let time = 0; time < 200; time += 1)
      await upstream.request(request({ idempotent: true })).catch(() => undefined)
    const retried = outcomes.filter((one) => one === 'retried').length
    assert.ok(retried > 20 && retried <= 30, `${retried} of 200`)
    assert.equal(instances[0].reached.length, 200 + retried)
  })
})

describe('time', () => {
  test('a service that never answers: a timeout, and nobody says that it had no effect', async () => {
    const { ask, refused, instances } = await start(1)
    // So that there is a connection: what could not be sent in time is told in another way.
    await ask({})
    instances[0].reached.length = 0
    instances[0].behave = () => undefined
    const began = performance.now()
    const refusal = await refused({ method: 'POST', idempotent: true }, 800)
    assert.ok(performance.now() - began < 5_000)
    assert.equal(refusal.code, 'upstream-timeout')
    assert.deepEqual(refusal.about, { upstream: 'order' })
    assert.equal(reachedBy(instances), 1)
    assert.match(refusal.message, /not known whether/)
    // Of a read, there is nothing to be known.
    assert.doesNotMatch((await refused({ idempotent: true }, 800)).message, /effect/)
    instances[0].behave = hangUp
    assert.doesNotMatch((await refused({ method: 'HEAD' })).message, /effect/)
    assert.match((await refused({ method: 'DELETE' })).message, /not known whether/)
  })

  test('a service is told how long the caller waits, and each request gets its own answer', async () => {
    const { ask, instances } = await start(1)
    instances[0].behave = ({ headers, url }, answer) => {
      setTimeout(() => answerJson({ url, left: headers['x-timeout-ms'] })({} as never, answer, {} as never), 5)
    }
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => ask({ path: `/${index}` }, 9_000 + index)),
    )
    for (const [index, { body }] of answers.entries()) {
      const { url, left } = JSON.parse(body.toString('utf8')) as { url: string; left: string }
      assert.equal(url, `/${index}`)
      assert.ok(Number(left) > 100 && Number(left) <= 9_000 + index, left)
    }
  })

  test('a caller who waits for less is answered in it, and cannot open a breaker for others', async () => {
    const { upstream, ask, refused, instances } = await start(1)
    // A connection for each, since none of them has the time to wait for one.
    await Promise.all(Array.from({ length: 30 }, () => ask({})))
    instances[0].reached.length = 0
    instances[0].behave = () => undefined
    const began = performance.now()
    const hasty = Array.from({ length: 30 }, () => refused({ callerDeadline: performance.now() + 1_200 }, 60_000))
    for (const { code } of await Promise.all(hasty)) assert.equal(code, 'upstream-timeout')
    assert.ok(performance.now() - began < 10_000)
    for (const { headers } of instances[0].reached) assert.ok(Number(headers['x-timeout-ms']) <= 1_200)
    assert.equal(upstream.instances[0]?.breakerAt(performance.now()), 'closed')
  })

  test('of two, one hangs: a read goes on to the other in time, and nothing else is asked twice', async () => {
    const { ask, refused, instances, outcomes } = await start(2)
    instances[0].behave = () => undefined
    // The half of it that is left for the other has to last on a slow machine, too.
    for (const { status } of await Promise.all(Array.from({ length: 4 }, () => ask({ idempotent: true }, 7_000))))
      assert.equal(status, 200)
    const retried = outcomes.filter((one) => one === 'retried').length
    assert.equal(retried, instances[0].reached.length)
    assert.ok(retried > 0)
    for (const { headers } of instances[0].reached) assert.ok(Number(headers['x-timeout-ms']) <= 3_500)
    instances[1].behave = () => undefined
    for (const about of [
      { method: 'POST', idempotent: true },
      { method: 'POST' },
      { idempotent: true, isPatient: true },
    ]) {
      const before = reachedBy(instances)
      assert.equal((await refused(about, 800)).code, 'upstream-timeout')
      assert.equal(reachedBy(instances), before + 1)
    }
    // Nor a read, once a tenth of all requests has been spent.
    const many = await Promise.all(Array.from({ length: 30 }, () => refused({ idempotent: true }, 1_600)))
    assert.ok(many.every(({ code }) => code === 'upstream-timeout'))
    const all = outcomes.filter((one) => one === 'retried').length
    assert.ok(all > retried && all <= 15, `${all} were repeated`)
  })

  test('a machine that hangs is passed over within seconds', async () => {
    const sockets: Socket[] = []
    const hole = createServer((socket) => sockets.push(socket))
    hole.listen(0, '127.0.0.1')
    await once(hole, 'listening')
    const address = hole.address()
    assert.ok(typeof address === 'object' && address !== null)
    const { upstream, ask, instances } = await start(1, { urls: [`http://127.0.0.1:${address.port}`] })
    ended.push(async () => {
      hole.close()
      for (const socket of sockets) socket.destroy()
      await once(hole, 'close')
    })
    assert.equal(upstream.instances.length, 2)
    await until('it is known', () => upstream.instances[1]?.isReady === false)
    for (let time = 0; time < 10; time += 1) assert.equal((await ask({})).status, 200)
    assert.equal(instances[0].reached.length, 10)
  })
})

describe('the breaker', () => {
  test('leaves a faulty instance alone, and finds out when it is well again', async () => {
    const { upstream, ask, instances } = await start(2)
    instances[0].behave = answerJson({}, 500)
    const began = performance.now()
    for (let time = 0; time < 60; time += 1) await ask({ idempotent: true })
    // Every two seconds it is tried once more, which no machine needs that does not stand still meanwhile.
    const tried = Math.floor((performance.now() - began) / 2_000)
    const { length } = instances[0].reached
    assert.ok(length >= 20 && length <= 20 + tried, `${length} reached it`)
    assert.notEqual(upstream.instances[0]?.breakerAt(performance.now()), 'closed')
    instances[0].behave = answerJson({ ok: true })
    await until('it is asked again', async () => {
      assert.equal((await ask({ idempotent: true })).status, 200)
      return upstream.instances[0]?.breakerAt(performance.now()) === 'closed'
    })
  })

  test('of all open: refused at once, with no effect', async () => {
    const { refused, ask, instances } = await start(1)
    instances[0].behave = answerJson({}, 500)
    for (let time = 0; time < 20; time += 1) await ask({})
    assert.deepEqual((await refused({})).about, { upstream: 'order', accepted: false })
    assert.equal(instances[0].reached.length, 20)
  })

  test('does not mind a service that says it cannot now', async () => {
    const { ask, instances } = await start(1)
    instances[0].behave = answerJson({ accepted: false }, 503)
    for (let time = 0; time < 60; time += 1) assert.equal((await ask({})).status, 503)
  })
})

test('only so many requests are with a service at once, and only so many more wait', async () => {
  const { upstream, ask, instances } = await start(1, { concurrency: 2, queue: 2 })
  const held: (() => void)[] = []
  instances[0].behave = (...about) => void held.push(() => answerJson({ ok: true })(...about))
  const answers = Array.from({ length: 4 }, () => ask({}))
  await until('two are there', () => held.length === 2)
  assert.deepEqual([upstream.active, upstream.waiting], [2, 2])
  const refusal = await refusalOf(ask({}))
  assert.equal(refusal.code, 'overloaded')
  assert.deepEqual(refusal.about, { accepted: false })
  for (let time = 0; time < 4; time += 1) {
    await until('the next is there', () => held.length > 0)
    held.shift()?.()
  }
  assert.deepEqual(
    (await Promise.all(answers)).map(({ status }) => status),
    [200, 200, 200, 200],
  )
  assert.equal(upstream.active, 0)
  // Who waits until nobody waits for the answer any more is refused as well.
  const holding = [ask({}), ask({})]
  await until('two are there', () => held.length === 2)
  assert.equal((await refusalOf(ask({}, 50))).code, 'overloaded')
  for (const release of held) release()
  await Promise.all(holding)
})

test('one after the other is restarted under load, and no request is lost', async () => {
  const { upstream, instances, ask } = await start(2)
  const end = new AbortController()
  const answered = Array.from({ length: 8 }, () => 0)
  const callers = answered.map(async (_, caller) => {
    while (!end.signal.aborted) {
      assert.equal((await ask({ method: 'POST' })).status, 200)
      answered[caller] = (answered[caller] ?? 0) + 1
    }
  })
  const everybodyWasAnswered = async (times: number): Promise<void> => {
    const before = [...answered]
    await until('all are answered', () => answered.every((count, caller) => count >= (before[caller] ?? 0) + times))
  }
  for (const [index, instance] of instances.entries()) {
    instance.isReady = false
    await until('it is left alone', () => upstream.instances[index]?.isReady === false)
    // Like a service that drains, which hangs up only when it has answered what it had been asked before.
    await everybodyWasAnswered(1)
    await instance.stop()
    await everybodyWasAnswered(25)
    instance.isReady = true
    await instance.start()
    await until('it is back', () => upstream.instances[index]?.isReady === true)
  }
  end.abort()
  await Promise.all(callers)
})

const ended: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const end of ended.splice(0).toReversed()) await end()
})

interface Started<Count extends 1 | 2> {
  readonly upstream: Upstream
  readonly instances: Count extends 1 ? readonly [StandIn] : readonly [StandIn, StandIn]
  readonly outcomes: Outcome[]
  ask(about: Partial<UpstreamRequest>, withinMs?: number): Promise<Answer>
  refused(about: Partial<UpstreamRequest>, withinMs?: number): Promise<Refusal>
}

async function start<Count extends 1 | 2>(
  count: Count,
  { urls = [], concurrency = 50, queue = 50 }: { urls?: string[]; concurrency?: number; queue?: number } = {},
): Promise<Started<Count>> {
  const ports = await servicePorts(2)
  const instances = await Promise.all(ports.slice(0, count).map((port) => startStandIn(port)))
  const outcomes: Outcome[] = []
  const upstream = new Upstream({
    name: 'order',
    urls: [...instances.map(({ url }) => url), ...urls],
    concurrency,
    queue,
    logger: pino({ level: 'silent' }),
    onOutcome: (outcome) => outcomes.push(outcome),
  })
  upstream.start()
  ended.push(...instances.map((instance) => () => instance.stop()), () => upstream.close())
  const ask: Started<Count>['ask'] = (about, withinMs) => upstream.request(request(about, withinMs))
  const refused: Started<Count>['refused'] = (about, withinMs) => refusalOf(ask(about, withinMs))
  return { upstream, instances: instances as never, outcomes, ask, refused }
}

function request(about: Partial<UpstreamRequest>, withinMs = 5_000): UpstreamRequest {
  const { method = 'GET', path = '/', idempotent = false, headers = ['a', 'b'] } = about
  const body = method === 'POST' ? Buffer.from('{}') : undefined
  const { callerDeadline, isPatient = false } = about
  return { method, path, headers, body, idempotent, isPatient, callerDeadline, deadline: performance.now() + withinMs }
}

async function refusalOf(answer: Promise<Answer>): Promise<Refusal> {
  const error = await answer.then(
    ({ status }) => assert.fail(`it was answered ${status}`),
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof Refusal, String(error))
  return error
}

function reachedBy(instances: readonly StandIn[]): number {
  return instances.reduce((sum, { reached }) => sum + reached.length, 0)
}

const hangUp: Behaviour = (_request, _answer, raw) => void raw.socket.destroy()
