import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { subscribe } from 'node:diagnostics_channel'
import { after, before, beforeEach, describe, test } from 'node:test'
import { Admin } from '@platformatic/kafka'
import { createClient } from 'redis'
import { exportJWK, SignJWT } from 'jose'
import {
  Happened,
  LiveView,
  TailEvent,
  type ClusterView,
  type CreateTopic,
  type GroupDetail,
  type GroupList,
  type ProducedRecord,
  type ProduceRecord,
  type RecordPage,
  type RecordView,
  type TopicDetail,
  type TopicList,
} from '@timesale/contracts/console-api'
import type { Problem } from '@timesale/contracts/problem'
import type { Role } from '@timesale/contracts/roles'
import { GROUPS, topicSpecs, VIEW_GROUPS } from '@timesale/contracts/topics'
import type { HttpServer } from '@timesale/http/server'
import { keyToPartition } from '@timesale/kafka/partition'
import { REVOKED_SESSIONS_KEY } from '@timesale/redis/session-keys'
import { stockReserved } from '@timesale/testkit/events'
import { TEST_GATEWAY } from '@timesale/testkit/gateway-key'
import { readProblem, send, sendJson, type Answer } from '@timesale/testkit/http'
import { servicePorts, startInfrastructure, type Infrastructure, type TestPart } from '@timesale/testkit/infrastructure'
import { produce } from '@timesale/testkit/records'
import { until } from '@timesale/testkit/until'
import { startGateway } from './app.ts'
import { readConfig } from './config.ts'
import { UPSTREAMS } from './routes.ts'
import { startStandIn, type StandIn } from './upstreams/stand-in.ts'

// Kafka and Redis are real. No service is there but the account service's keys.

describe('topics', () => {
  test('are all there, with what they are to the shop', async () => {
    const { topics, asOf } = await read<TopicList>('/topics')
    const names = topics.map(({ topic }) => topic)
    for (const { name } of topicSpecs({ playground: false })) assert.ok(names.includes(name), name)
    assert.deepEqual(
      names,
      names.toSorted((one, other) => one.localeCompare(other)),
    )
    const orders = topics.find(({ topic }) => topic === 'order-topic')
    assert.deepEqual(
      { ...orders, records: 0, perSecond: 0 },
      {
        ...{
          topic: 'order-topic',
          partitions: 6,
          replicas: 1,
          records: 0,
          perSecond: 0,
          kind: 'shop',
          protected: true,
        },
        ...{ producers: ['order'], groups: readersOf('order-topic') },
      },
    )
    assert.ok(Math.abs(Date.parse(asOf) - Date.now()) < 60_000)
  })

  test('one is described: where its partitions are, from where to where they go, and how it is set', async () => {
    const topic = await playground(3)
    await put(topic, { value: 'a', partition: 1 })
    await put(topic, { value: 'b', partition: 1 })
    const detail = await read<TopicDetail>(`/topics/${topic}`)
    assert.deepEqual([detail.kind, detail.protected, detail.records, detail.partitions], ['playground', false, 2, 3])
    assert.deepEqual(
      detail.partitionList.map(({ partition, first, end }) => [partition, first, end]),
      [
        [0, '0', '0'],
        [1, '0', '2'],
        [2, '0', '0'],
      ],
    )
    assert.deepEqual(detail.partitionList[0]?.replicas, [1])
    assert.deepEqual([detail.partitionList[0]?.leader, detail.partitionList[0]?.inSync], [1, [1]])
    const shop = await read<TopicDetail>('/topics/order-topic')
    assert.deepEqual(
      shop.configs.find(({ name }) => name === 'retention.ms'),
      { name: 'retention.ms', value: '-1', isDefault: false },
    )
    assert.equal(shop.configs.find(({ name }) => name === 'max.message.bytes')?.isDefault, true)
  })

  test('Kafka’s own are there too, and can be looked into', async () => {
    await commit('group-of-old', 'seller-topic', 0n)
    const list = await read<TopicList>('/topics')
    assert.equal(list.topics.find(({ topic }) => topic === '__consumer_offsets')?.kind, 'internal')
    const { records } = await read<RecordPage>('/topics/__consumer_offsets/records?limit=5')
    assert.ok(records.length > 0)
    assert.equal(records[0]?.value?.encoding, 'base64')
    assert.equal(records[0]?.event, null)
  })

  test('what there is not is a 404, and what cannot be a name a 400', async () => {
    for (const path of [
      '/topics/nobody-made-this',
      '/topics/nobody-made-this/records',
      '/topics/nobody-made-this/tail',
    ])
      assert.equal((await refused(path)).code, 'topic-not-found', path)
    assert.equal((await refused('/topics/a%20b')).errors?.[0]?.field, 'topic')
    assert.equal((await refused('/topics/a%2Fb/records')).errors?.[0]?.field, 'topic')
  })

  test('a playground topic is made, used, and deleted by typing its name', async () => {
    const topic = name()
    const made = await act('POST', '/topics', { topic, partitions: 2 } satisfies CreateTopic)
    assert.deepEqual([made.status, JSON.parse(made.text)], [201, { topic, partitions: 2 }])
    assert.equal((await read<TopicDetail>(`/topics/${topic}`)).partitions, 2)
    const again = readProblem(await act('POST', '/topics', { topic }))
    assert.deepEqual([again.code, again.accepted], ['topic-exists', false])

    for (const confirm of [undefined, '', topic.toUpperCase(), `${topic} `]) {
      const query = confirm === undefined ? '' : `?confirm=${encodeURIComponent(confirm)}`
      const wrong = readProblem(await act('DELETE', `/topics/${topic}${query}`))
      assert.equal(wrong.errors?.[0]?.field, 'confirm', query)
    }
    assert.equal((await act('DELETE', `/topics/${topic}?confirm=${topic}`)).status, 204)
    assert.equal((await refused(`/topics/${topic}`)).code, 'topic-not-found')
    assert.equal(readProblem(await act('DELETE', `/topics/${topic}?confirm=${topic}`)).code, 'topic-not-found')
  })

  test('a name may be as long as Kafka takes it', async () => {
    const topic = `play-${'n'.repeat(244)}`
    assert.equal((await act('POST', '/topics', { topic })).status, 201)
    assert.equal((await put(topic, { value: 'a' })).offset, '0')
    assert.equal((await read<RecordView>(`/topics/${topic}/records/0/0`)).topic, topic)
    assert.equal((await act('DELETE', `/topics/${topic}?confirm=${topic}`)).status, 204)
  })

  test('protected ones are neither made, deleted nor written to, whatever is typed', async () => {
    await produce(infra().brokers, [{ topic: 'payment-topic', key: 'a', value: 'b' }])
    const before = await read<TopicList>('/topics')
    const payments = (await read<TopicDetail>('/topics/payment-topic')).records
    assert.ok(payments > 0)
    for (const topic of ['order-topic', 'payment-topic', 'order-topic.stock.dlq', '__consumer_offsets', '__made_up']) {
      const problems = [
        await act('POST', '/topics', { topic }),
        await act('DELETE', `/topics/${topic}?confirm=${topic}`),
        await act('POST', `/topics/${topic}/records`, { value: 'a' }),
      ].map(readProblem)
      assert.deepEqual(
        problems.map(({ code, accepted }) => [code, accepted]),
        problems.map(() => ['topic-protected', false]),
        topic,
      )
    }
    const stranger = readProblem(await act('POST', '/topics', { topic: 'somebody-elses' }))
    assert.equal(stranger.errors?.[0]?.field, 'topic')
    assert.match(stranger.errors?.[0]?.message ?? '', /^must begin with play-/)
    assert.equal(
      readProblem(await act('DELETE', '/topics/somebody-elses?confirm=somebody-elses')).code,
      'topic-protected',
    )
    const names = (list: TopicList): string[] => list.topics.map(({ topic }) => topic)
    assert.deepEqual(names(await read<TopicList>('/topics')), names(before))
    assert.equal((await read<TopicDetail>('/topics/payment-topic')).records, payments)
  })

  test('bad wishes are refused by the field', async () => {
    for (const [body, field] of [
      [{}, 'topic'],
      [{ topic: 'play a' }, 'topic'],
      [{ topic: `play-${'a'.repeat(250)}` }, 'topic'],
      [{ topic: name(), partitions: 0 }, 'partitions'],
      [{ topic: name(), partitions: 51 }, 'partitions'],
      [{ topic: name(), partitions: '2' }, 'partitions'],
      [{ topic: name(), replicas: 3 }, 'replicas'],
    ] as const)
      assert.equal(readProblem(await act('POST', '/topics', body)).errors?.[0]?.field, field, JSON.stringify(body))
  })
})

describe('records', () => {
  test('one is written where it is wanted, and can be looked at by a link that lasts', async () => {
    const topic = await playground(4)
    const headers = [
      { name: '이름', value: '사과' },
      { name: 'twice', value: '1' },
      { name: 'twice', value: '' },
    ]
    const placed = await put(topic, { key: '키', value: '{"a":"가"}', headers })
    assert.deepEqual(placed, { topic, partition: keyToPartition(Buffer.from('키')) % 4, offset: '0' })
    assert.deepEqual(await put(topic, { key: '키', value: '', partition: 3 }), {
      ...{ topic, partition: 3, offset: placed.partition === 3 ? '1' : '0' },
    })
    const record = await read<RecordView>(`/topics/${topic}/records/${placed.partition}/${placed.offset}`)
    assert.deepEqual([record.key?.text, record.value?.text, record.value?.bytes], ['키', '{"a":"가"}', 11])
    assert.deepEqual(
      record.headers.map((header) => ({ name: header.name, value: header.value?.text })),
      headers,
    )
    assert.match(record.problem ?? '', /^no-headers: /)
    assert.ok(Math.abs(Date.parse(record.at) - Date.now()) < 60_000)
  })

  test('one without a key goes anywhere, and no record is asked for in vain without being told why', async () => {
    const topic = await playground(1)
    await put(topic, { value: 'a' })
    for (const [place, code, why] of [
      ['0/1', 'record-not-found', /^Not written yet: partition 0 ends at offset 1$/],
      ['0/9223372036854775808', 'record-not-found', /ends at offset 1/],
      ['1/0', 'record-not-found', /1 partitions/],
      ['99999/0', 'record-not-found', /1 partitions/],
    ] as const) {
      const problem = await refused(`/topics/${topic}/records/${place}`)
      assert.equal(problem.code, code, place)
      assert.match(problem.detail ?? '', why, place)
    }
    for (const [place, field] of [
      ['a/0', 'partition'],
      ['0/-1', 'offset'],
      ['0/1.5', 'offset'],
      ['123456/0', 'partition'],
    ] as const)
      assert.equal((await refused(`/topics/${topic}/records/${place}`)).errors?.[0]?.field, field, place)
  })

  test('one that retention has passed is not there any more', async () => {
    const topic = await playground(1)
    for (const value of ['a', 'b', 'c']) await put(topic, { value })
    await admin().deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset: 2n }] }] })
    const problem = await refused(`/topics/${topic}/records/0/1`)
    assert.equal(problem.code, 'record-not-found')
    assert.equal(problem.detail, 'Not kept any more: partition 0 begins at offset 2')
    assert.equal((await read<RecordView>(`/topics/${topic}/records/0/2`)).value?.text, 'c')
    assert.deepEqual(valuesOf(await read<RecordPage>(`/topics/${topic}/records?partition=0&from=0`)), ['c'])
  })

  test('of the shop are shown as consumers read them, and what is none says why', async () => {
    const orderId = crypto.randomUUID()
    await produce(infra().brokers, [
      stockReserved({ orderId, productId: 'A001', quantity: 1 }),
      {
        topic: 'stock-topic',
        key: orderId,
        value: 'not json',
        headers: stockReserved({ orderId, productId: 'A001', quantity: 1 }, { version: 2 }).headers,
      },
      { topic: 'stock-topic', key: orderId, value: 'typed by hand' },
      { topic: 'stock-topic', key: orderId, value: Buffer.from([0xff, 0x00]) },
    ])
    const { records, complete, searched } = await read<RecordPage>(`/topics/stock-topic/records?key=${orderId}`)
    assert.ok(complete)
    // Of this topic a key is in one partition.
    const all = (await read<TopicDetail>('/topics/stock-topic')).partitionList
    const own = all.find(({ partition }) => partition === records[0]?.partition)
    assert.equal(searched, Number(own?.end))
    const kinds = records.map(({ event, problem }) => event?.type ?? problem?.split(':')[0])
    assert.deepEqual([...new Set(kinds)], ['no-headers', 'not-json', 'stock.reserved.v1'])
    assert.deepEqual(records.at(-1)?.event, {
      type: 'stock.reserved.v1',
      source: '/stock/reservations',
      aggregateId: orderId,
      version: 1,
    })
    assert.deepEqual(records[0]?.value, { encoding: 'base64', text: '/wA=', bytes: 2 })
  })

  test('are listed newest first over all partitions; from an offset and since a time oldest first', async () => {
    const topic = await playground(3)
    for (let index = 0; index < 12; index += 1) await put(topic, { value: `${index}`, partition: index % 3 })
    const newest = await read<RecordPage>(`/topics/${topic}/records?limit=5`)
    assert.deepEqual(valuesOf(newest), ['11', '10', '9', '8', '7'])
    assert.deepEqual([newest.searched, newest.complete], [12, true])
    const from = await read<RecordPage>(`/topics/${topic}/records?partition=1&from=2`)
    assert.deepEqual(valuesOf(from), ['7', '10'])
    const at = newest.records.find(({ value }) => value?.text === '8')?.at ?? ''
    const since = await read<RecordPage>(`/topics/${topic}/records?since=${at}`)
    assert.equal(valuesOf(since).at(-1), '11')
    assert.ok(valuesOf(since).includes('8') && since.records.every((record) => record.at >= at), valuesOf(since).join())
    const future = new Date(Date.now() + 60_000).toISOString()
    assert.deepEqual(valuesOf(await read<RecordPage>(`/topics/${topic}/records?since=${future}`)), [])
    assert.deepEqual(valuesOf(await read<RecordPage>(`/topics/${topic}/records?partition=0&from=99`)), [])
  })

  test('are found by key wherever they were put, and by text in value and headers', async () => {
    const topic = await playground(6)
    const records = Array.from({ length: 300 }, (_, index) => ({
      ...{ topic, key: `k-${index % 30}`, value: JSON.stringify({ index, 과일: index === 123 ? '사과' : '배' }) },
      headers: { trace: index === 77 ? 'needle-77' : 'hay' },
    }))
    await produce(infra().brokers, records)
    const byKey = await read<RecordPage>(`/topics/${topic}/records?key=k-7`)
    assert.equal(new Set(valuesOf(byKey)).size, 10)
    assert.ok(byKey.records.every(({ key }) => key?.text === 'k-7'))
    // Some are there twice where an answer to them was lost.
    const all = (await read<TopicDetail>(`/topics/${topic}`)).records
    assert.equal(new Set(byKey.records.map(({ partition }) => partition)).size, 1)
    assert.equal(byKey.records[0]?.partition, keyToPartition(Buffer.from('k-7')) % 6)
    assert.deepEqual([byKey.searched, byKey.complete], [all, true])
    const elsewhere = ((byKey.records[0]?.partition ?? 0) + 1) % 6
    assert.deepEqual((await read<RecordPage>(`/topics/${topic}/records?key=k-7&partition=${elsewhere}`)).records, [])
    const apple = await read<RecordPage>(`/topics/${topic}/records?text=${encodeURIComponent('사과')}`)
    assert.deepEqual([new Set(valuesOf(apple)).size, apple.searched, apple.complete], [1, all, true])
    assert.equal(apple.records[0]?.key?.text, 'k-3')
    const inHeader = await read<RecordPage>(`/topics/${topic}/records?text=needle-77&key=k-17`)
    assert.deepEqual([new Set(valuesOf(inHeader)).size, inHeader.records[0]?.headers[0]?.value?.text], [1, 'needle-77'])
    assert.deepEqual((await read<RecordPage>(`/topics/${topic}/records?text=nowhere`)).records, [])
    const byHand = await put(topic, { key: 'k-7', value: 'by hand', partition: elsewhere })
    const [newest] = (await read<RecordPage>(`/topics/${topic}/records?key=k-7`)).records
    assert.deepEqual([newest?.partition, newest?.offset], [elsewhere, byHand.offset])
  })

  test('large values are cut in lists and whole alone', async () => {
    const topic = await playground(1)
    const large = '가'.repeat(100_000)
    await produce(infra().brokers, [{ topic, value: large }])
    const [listed] = (await read<RecordPage>(`/topics/${topic}/records`)).records
    assert.deepEqual([listed?.value?.bytes, listed?.value?.text], [300_000, '가'.repeat(682)])
    const alone = await read<RecordView>(`/topics/${topic}/records/0/0`)
    assert.equal(alone.value?.text, large)
  })

  test('a search that could not come to its end says so', async () => {
    const topic = await playground(1)
    const value = 'x'.repeat(4_000)
    for (let sent = 0; sent < 18_000; sent += 2_000)
      await produce(
        infra().brokers,
        Array.from({ length: 2_000 }, () => ({ topic, value })),
      )
    const { records, searched, complete } = await read<RecordPage>(`/topics/${topic}/records?text=needle`)
    // 72 MB, of which 64 are looked at; or what there was time for.
    assert.deepEqual([records, complete], [[], false])
    assert.ok(searched > 100 && searched < 18_000, `${searched}`)
  })

  test('bad questions are refused by the field', async () => {
    const topic = await playground(2)
    for (const [query, field] of [
      ['partition=2', 'partition'],
      ['partition=x', 'partition'],
      ['from=1', 'from'],
      ['partition=0&from=-1', 'from'],
      ['partition=0&from=1&since=2026-01-01T00:00:00Z', 'since'],
      ['since=yesterday', 'since'],
      ['since=2016-12-31T23:59:60Z', 'since'],
      ['key=', 'key'],
      ['text=', 'text'],
      ['limit=0', 'limit'],
      ['limit=501', 'limit'],
      ['order=desc', 'order'],
    ] as const)
      assert.equal((await refused(`/topics/${topic}/records?${query}`)).errors?.[0]?.field, field, query)
    for (const [body, field] of [
      [{}, 'value'],
      [{ value: 1 }, 'value'],
      [{ value: 'a', partition: 2 }, 'partition'],
      [{ value: 'a', partition: -1 }, 'partition'],
      [{ value: 'a', headers: [{ name: '', value: '' }] }, 'headers.0.name'],
      [{ value: 'a', topic: 'order-topic' }, 'topic'],
    ] as const) {
      const problem = readProblem(await act('POST', `/topics/${topic}/records`, body))
      assert.equal(problem.errors?.[0]?.field, field, JSON.stringify(body))
    }
    assert.equal((await read<TopicDetail>(`/topics/${topic}`)).records, 0)
  })

  test('a value of 50,000 letters is taken, however many bytes they are', async () => {
    const topic = await playground(1)
    const value = '🍎'.repeat(25_000)
    assert.equal((await put(topic, { value })).offset, '0')
    assert.equal((await read<RecordView>(`/topics/${topic}/records/0/0`)).value?.bytes, 100_000)
  })
})

describe('the tail of a topic', () => {
  test('shows what comes, and nothing that was there', async () => {
    const topic = await playground(3)
    await put(topic, { value: 'before' })
    await using tail = await open(topic)
    await until('it has begun', () => tail.events().length > 0)
    const placed = await put(topic, { key: 'k', value: 'after' })
    await until('it is shown', () => tail.records().length > 0)
    const [record] = tail.records()
    assert.deepEqual(
      [record?.value?.text, record?.partition, record?.offset],
      ['after', placed.partition, placed.offset],
    )
    assert.ok(tail.events().every(({ reachable, skipped }) => reachable && skipped === 0))
    assert.equal(tail.records().length, 1)
  })

  test('shows of much the last, says how many it left out, and is told at most twice a second', async () => {
    const topic = await playground(4)
    await using tail = await open(topic)
    await until('it has begun', () => tail.events().length > 0)
    const began = performance.now()
    for (let sent = 0; sent < 6_000; sent += 1_000)
      await produce(
        infra().brokers,
        Array.from({ length: 1_000 }, (_, index) => ({ topic, key: `${index % 50}`, value: `${sent + index}` })),
      )
    const counted = (): number => tail.events().reduce((sum, { records, skipped }) => sum + records.length + skipped, 0)
    const { records: all } = await read<TopicDetail>(`/topics/${topic}`)
    await until('all are counted', () => counted() >= all)
    const seconds = (performance.now() - began) / 1_000
    assert.ok(all >= 6_000 && counted() === all, `${counted()} of ${all}`)
    assert.ok(tail.events().every(({ records }) => records.length <= 100))
    assert.ok(tail.events().length <= 2 * seconds + 2, `${tail.events().length} in ${seconds} s`)
  })

  test('gives a sign of life every five seconds', async () => {
    await using tail = await open(await playground(1))
    await until('two came', () => tail.events().length > 1, 20_000)
    const [first, second] = tail.events()
    const apart = Date.parse(second?.at ?? '') - Date.parse(first?.at ?? '')
    assert.ok(apart >= 4_900, `${apart} ms`)
  })

  test('ends with the session, with the token, and with the topic', async () => {
    const topic = await playground(1)
    await using ended = await open(topic, { sid: 'ended-soon' })
    await using expired = await open(topic, { seconds: 2 })
    await using stays = await open(topic)
    await redis().zAdd(REVOKED_SESSIONS_KEY, { value: 'ended-soon', score: Date.now() + 60_000 })
    await until('they are over', () => ended.isOver() && expired.isOver())
    assert.equal(stays.isOver(), false)
    await act('DELETE', `/topics/${topic}?confirm=${topic}`)
    await until('it is over', () => stays.isOver())
  })

  test('is one of ten of an account at most', async () => {
    const topic = await playground(1)
    const tails = await Promise.all(Array.from({ length: 10 }, () => open(topic, { sub: 'operator-many' })))
    try {
      const answer = await send(`${url()}/api/console/topics/${topic}/tail`, {
        headers: await bearer({ sub: 'operator-many' }),
      })
      assert.equal(readProblem(answer).code, 'rate-limited')
    } finally {
      await Promise.all(tails.map((tail) => tail[Symbol.asyncDispose]()))
    }
    await until('there is room', async () => {
      await using tail = await open(topic, { sub: 'operator-many' })
      return tail.status === 200
    })
  })

  test('is sent elsewhere by a gateway that stops, which does not wait for it', async () => {
    const other = await startGateway(readConfig(gatewayEnv()))
    const there = `http://127.0.0.1:${other.port}`
    await until('it knows the keys', async () => (await send(`${there}/readyz`)).text.includes('"ready"'))
    await using tail = await open(await playground(1), {}, there)
    await until('it has begun', () => tail.events().length > 0)
    const stopped = other.stop()
    // A tail that was waited for would be cut off after five seconds.
    await until('it is over', () => tail.isOver(), 4_000)
    assert.match(tail.text(), /\n\nretry: \d{4}\n\n$/)
    await stopped
  })
})

describe('groups', () => {
  test('of the shop are there before anybody has joined them', async () => {
    const { groups } = await read<GroupList>('/groups')
    assert.deepEqual(
      groups.filter(({ kind }) => kind !== 'other').map(({ group, kind }) => `${group} ${kind}`),
      [
        ...Object.keys(GROUPS).map((group) => `${group} shop`),
        ...Object.keys(VIEW_GROUPS).map((group) => `${group} view`),
      ],
    )
    const product = groups.find(({ group }) => group === 'product')
    assert.deepEqual([product?.state, product?.members, product?.coordinator], ['DEAD', 0, -1])
    const detail = await read<GroupDetail>('/groups/product')
    assert.deepEqual([detail.members, detail.partitions.length], [[], 6])
    assert.ok(detail.partitions.every(({ topic, committed }) => topic === 'seller-topic' && committed === null))
    assert.equal((await refused('/groups/nobody-joined-this')).code, 'group-not-found')
  })

  test('one that has committed tells how far it is, in all and by partition, and over time', async () => {
    const topic = await playground(2)
    for (let index = 0; index < 5; index += 1) await put(topic, { value: `${index}`, partition: 0 })
    await put(topic, { value: 'a', partition: 1 })
    const group = `g/${topic} 그룹`
    await commit(group, topic, 2n)
    const detail = await read<GroupDetail>(`/groups/${encodeURIComponent(group)}`)
    assert.deepEqual([detail.group, detail.state, detail.members], [group, 'EMPTY', []])
    assert.deepEqual(detail.partitions, [
      { topic, partition: 0, committed: '2', end: '5', lagRecords: 3, memberId: null },
    ])
    const [coordinator] = [detail.coordinator]
    assert.equal(coordinator, 1)
    await until('it was watched', async () => {
      const { lag, history } = await read<GroupDetail>(`/groups/${encodeURIComponent(group)}`)
      return lag.lagRecords === 3 && history.length > 1 && history.at(-1)?.lagRecords === 3
    })
    const listed = (await read<GroupList>('/groups')).groups.find((one) => one.group === group)
    assert.deepEqual([listed?.kind, listed?.lagRecords, listed?.state], ['other', 3, 'EMPTY'])
  })

  test('what is told of lag is as old as the look at it, however late it is told', async () => {
    await until('the list has told the same twice', async () => {
      const [one, other] = [await read<GroupList>('/groups'), await read<GroupList>('/groups')]
      return one.asOf === other.asOf
    })
    await until('a group was as its history says', async () => {
      const { asOf, history } = await read<GroupDetail>('/groups/product')
      return asOf === history.at(-1)?.at
    })
  })

  test('has nothing to read of what retention has taken away', async () => {
    const topic = await playground(1)
    for (let index = 0; index < 5; index += 1) await put(topic, { value: `${index}`, partition: 0 })
    const group = `g-${topic}`
    await commit(group, topic, 1n)
    await admin().deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset: 3n }] }] })
    const { partitions } = await read<GroupDetail>(`/groups/${group}`)
    assert.deepEqual(partitions, [{ topic, partition: 0, committed: '1', end: '5', lagRecords: 2, memberId: null }])
    await until('it is watched so', async () => {
      const { history } = await read<GroupDetail>(`/groups/${group}`)
      return history.at(-1)?.lagRecords === 2
    })
  })
})

test('the cluster: who leads, who controls, who coordinates', async () => {
  await commit('group-of-old', 'seller-topic', 0n)
  const cluster = await read<ClusterView>('/cluster')
  assert.equal(cluster.controller, 1)
  assert.equal(cluster.clusterId.length, 22)
  const [broker, ...others] = cluster.brokers
  assert.deepEqual(others, [])
  assert.deepEqual([broker?.node, broker?.host, broker?.port], [1, '127.0.0.1', Number(infra().brokers.split(':')[1])])
  assert.ok((broker?.leads ?? 0) >= 6 * 6 && broker?.follows === 0)
  assert.ok((broker?.coordinates.length ?? 0) > 0)
  assert.deepEqual([cluster.offline, cluster.underReplicated], [0, 0])
})

describe('who is not an operator', () => {
  const routes = [
    ['GET', '/topics'],
    ['GET', '/topics/order-topic'],
    ['GET', '/topics/order-topic/records'],
    ['GET', '/topics/order-topic/records/0/0'],
    ['GET', '/topics/order-topic/tail'],
    ['POST', '/topics'],
    ['DELETE', '/topics/order-topic?confirm=order-topic'],
    ['POST', '/topics/play-a/records'],
    ['GET', '/groups'],
    ['GET', '/groups/order'],
    ['GET', '/cluster'],
  ] as const

  test('sees nothing and does nothing', async () => {
    const buyer = await bearer({ sub: 'buyer-1', roles: ['buyer'] })
    for (const [method, path] of routes) {
      const there = `${url()}/api/console${path}`
      assert.equal(readProblem(await send(there, { method })).code, 'unauthenticated', path)
      assert.equal(readProblem(await send(there, { method, headers: buyer })).code, 'forbidden', path)
    }
  })

  test('an operator of a gateway that only looks does nothing either', async () => {
    const other = await startGateway(readConfig(gatewayEnv({ GATEWAY_CONSOLE_ACTIONS: 'off' })))
    try {
      const there = `http://127.0.0.1:${other.port}`
      await until('it knows the keys', async () => (await send(`${there}/readyz`)).text.includes('"ready"'))
      const headers = await bearer()
      for (const [method, path] of routes.filter(([verb]) => verb !== 'GET')) {
        const problem = readProblem(await send(`${there}/api/console${path}`, { method, headers }))
        assert.deepEqual([problem.code, problem.accepted], ['read-only', false], path)
      }
      assert.equal((await send(`${there}/api/console/topics`, { headers })).status, 200)
    } finally {
      await other.stop()
    }
  })

  test('each route is described', async () => {
    const described = await describedRoutes()
    assert.ok(registered.has('POST /api/console/rush'), [...registered].join())
    assert.deepEqual([...described.keys()].toSorted(), [...registered].toSorted())
    for (const [path, { summary = '', description = '', responses = {} }] of described) {
      assert.ok(summary.length > 0, path)
      // Who may, but of the one that is asked before anybody is logged in.
      assert.equal(description.includes('`operator`'), path !== 'GET /api/console', path)
      assert.equal(description.includes('`read-only`'), !path.startsWith('GET '), path)
      assert.ok(
        Object.keys(responses).some((status) => status.startsWith('2')),
        path,
      )
      assert.ok('4XX' in responses, path)
    }
  })

  test('and so is what comes on a stream', async () => {
    const described = await describedRoutes()
    const eventsOf = (path: string): SchemaOfEvent[] => {
      const schema = described.get(`GET /api/console${path}`)?.responses?.['200']?.content?.['text/event-stream']
        ?.schema
      return schema?.anyOf ?? (schema === undefined ? [] : [schema])
    }
    const told = [...eventsOf('/live'), ...eventsOf('/topics/{topic}/tail')].map(({ properties }) => [
      properties?.event?.enum,
      Object.keys(properties?.data?.properties ?? {}),
    ])
    assert.deepEqual(told, [
      [['live'], Object.keys(LiveView.properties)],
      [['happened'], Object.keys(Happened.properties)],
      [['records'], Object.keys(TailEvent.properties)],
    ])
  })
})

describe('a Kafka that', () => {
  const looks = [
    ...['/topics', '/topics/order-topic', '/topics/order-topic/records', '/topics/order-topic/records/0/0'],
    ...['/groups', '/groups/order', '/cluster'],
  ]
  let hasty: Awaited<ReturnType<typeof startGateway>> | undefined
  let there = ''

  before(async () => {
    hasty = await startGateway(readConfig({ ...gatewayEnv(), GATEWAY_CONSOLE_KAFKA_MS: undefined }))
    there = `http://127.0.0.1:${hasty.port}`
    await until('it knows the keys', async () => (await send(`${there}/readyz`)).text.includes('"ready"'))
  })

  after(async () => {
    await hasty?.stop()
  })

  async function isRefusedInTime(topic: string): Promise<void> {
    const asked = [
      ...looks.map((path) => ['GET', path, undefined] as const),
      ['POST', '/topics', { topic: name() }],
      ['DELETE', `/topics/${topic}?confirm=${topic}`, undefined],
      ['POST', `/topics/${topic}/records`, { value: 'lost' }],
    ] as const
    await Promise.all(
      asked.map(async ([method, path, body]) => {
        const began = performance.now()
        const problem = readProblem(await act(method, path, body, there))
        assert.deepEqual([problem.code, problem.accepted], ['upstream-unavailable', false], path)
        // Three, and what a busy machine takes.
        assert.ok(performance.now() - began < 8_000, `${path}: ${performance.now() - began} ms`)
      }),
    )
  }

  test('hangs is told so by each route within three seconds, and its tail goes on where it was', async () => {
    const topic = await playground(1)
    await using tail = await open(topic, {}, there)
    await until('it has begun', () => tail.events().some(({ reachable }) => reachable))
    kafka().signal('SIGSTOP')
    try {
      await isRefusedInTime(topic)
      await until('the tail says so', () => tail.events().at(-1)?.reachable === false)
      await using late = await open(topic, {}, there)
      await until('a new one says so too', () => late.events().at(-1)?.reachable === false)
    } finally {
      kafka().signal('SIGCONT')
    }
    await goesOn(topic, tail)
  })

  test('is down is told so by each route, and all is well when it is back', async () => {
    const topic = await playground(1)
    await using tail = await open(topic, {}, there)
    await until('it has begun', () => tail.events().some(({ reachable }) => reachable))
    await kafka().kill()
    try {
      await isRefusedInTime(topic)
      await until('the tail says so', () => tail.events().at(-1)?.reachable === false)
      await until('it is ready all the same', async () => (await send(`${there}/readyz`)).text.includes('"ready"'))
    } finally {
      await kafka().start()
    }
    await goesOn(topic, tail)
    // Each for itself: a broker that was started anew loads one partition after the other.
    for (const path of looks.filter((one) => !one.endsWith('/0/0')))
      await until(`${path} is read`, async () => {
        await read(path)
        return true
      })
  })

  async function goesOn(topic: string, tail: OpenTail): Promise<void> {
    const produced = (): Promise<Answer> => act('POST', `/topics/${topic}/records`, { value: 'back' })
    await until('it takes records again', async () => (await produced()).status === 201, 60_000)
    await until('they are shown', () => tail.records().some(({ value }) => value?.text === 'back'))
    // A look may be late once more, and the next one is not.
    await until('it is reachable', () => tail.events().at(-1)?.reachable)
    assert.equal(tail.isOver(), false)
  }
})

/** Every route under /api/console that a gateway has, as its description writes it. */
const registered = new Set<string>()
subscribe('fastify.initialization', (message) => {
  const { fastify } = message as { fastify: HttpServer }
  fastify.addHook('onRoute', ({ method, url: path }) => {
    if (path !== '/api/console' && !path.startsWith('/api/console/')) return
    for (const one of [method].flat()) if (one !== 'HEAD') registered.add(`${one} ${path.replace(/:(\w+)/g, '{$1}')}`)
  })
})

interface SchemaOfEvent {
  readonly properties?: { readonly event?: { enum: string[] }; readonly data?: { properties: object } }
  readonly anyOf?: SchemaOfEvent[]
}

interface DescribedRoute {
  readonly summary?: string
  readonly description?: string
  readonly responses?: Record<string, { content?: Record<string, { schema?: SchemaOfEvent }> }>
}

async function describedRoutes(): Promise<Map<string, DescribedRoute>> {
  const { paths } = JSON.parse((await send(`${url()}/openapi.json`)).text) as {
    paths: Record<string, Record<string, DescribedRoute>>
  }
  const all = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, route]) => [`${method.toUpperCase()} ${path}`, route] as const),
  )
  return new Map(all.filter(([path]) => /^[A-Z]+ \/api\/console(\/|$)/.test(path)))
}

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const publicJwk = { ...(await exportJWK(publicKey)), kid: 'account-1', alg: 'EdDSA', use: 'sig' }
let infrastructure: Infrastructure | undefined
let standIn: StandIn | undefined
let gateway: Awaited<ReturnType<typeof startGateway>> | undefined
let client: ReturnType<typeof createClient> | undefined
let offsets: Admin | undefined
let names = 0

before(async () => {
  infrastructure = await startInfrastructure({ databases: [], kafka: true, redis: true })
  const [standInPort] = await servicePorts(1)
  standIn = await startStandIn(standInPort, {
    aside: (path) => (path === '/.well-known/jwks.json' ? { keys: [publicJwk] } : undefined),
  })
  gateway = await startGateway(readConfig(gatewayEnv()))
  client = createClient({ url: infrastructure.redisUrl })
  client.on('error', () => undefined)
  await client.connect()
  offsets = new Admin({ clientId: 'test', bootstrapBrokers: [infrastructure.brokers], retries: 5, retryDelay: 200 })
  offsets.on('error', () => undefined)
  await until('the gateway knows the keys', async () => (await send(`${url()}/readyz`)).text.includes('"ready"'))
})

after(async () => {
  await offsets?.close()
  client?.destroy()
  await gateway?.stop()
  await standIn?.[Symbol.asyncDispose]()
  await infrastructure?.[Symbol.asyncDispose]()
})

beforeEach(async () => {
  const limits = await redis().keys('timesale:limit:*')
  if (limits.length > 0) await redis().del(limits)
})

function name(): string {
  names += 1
  return `play-${names}`
}

/** A topic of this test's own. */
async function playground(partitions: number): Promise<string> {
  const topic = name()
  const answer = await act('POST', '/topics', { topic, partitions } satisfies CreateTopic)
  assert.equal(answer.status, 201, answer.text)
  return topic
}

/** As a group would that has read partition 0 so far. Kafka makes its own topic for groups when the first one comes. */
async function commit(groupId: string, topic: string, offset: bigint): Promise<void> {
  const topics = [{ name: topic, partitionOffsets: [{ partition: 0, offset }] }]
  await until(`${groupId} has committed`, async () => {
    await admin().alterConsumerGroupOffsets({ groupId, topics })
    return true
  })
}

function readersOf(topic: string): string[] {
  const readers = Object.entries<readonly string[]>({ ...GROUPS, ...VIEW_GROUPS })
  return readers.filter(([, topics]) => topics.includes(topic)).map(([group]) => group)
}

async function put(topic: string, record: ProduceRecord): Promise<ProducedRecord> {
  const answer = await act('POST', `/topics/${topic}/records`, record)
  assert.equal(answer.status, 201, answer.text)
  return JSON.parse(answer.text) as ProducedRecord
}

async function read<T>(path: string): Promise<T> {
  const answer = await act('GET', path)
  assert.equal(answer.status, 200, `${path}: ${answer.text}`)
  assert.equal(answer.headers['cache-control'], 'no-store', path)
  return JSON.parse(answer.text) as T
}

async function refused(path: string): Promise<Problem> {
  return readProblem(await act('GET', path))
}

async function act(method: string, path: string, body?: unknown, gatewayUrl = url()): Promise<Answer> {
  const there = `${gatewayUrl}/api/console${path}`
  const headers = await bearer()
  return body === undefined ? await send(there, { method, headers }) : await sendJson(there, body, { method, headers })
}

function valuesOf({ records }: RecordPage): (string | undefined)[] {
  return records.map(({ value }) => value?.text)
}

interface OpenTail extends AsyncDisposable {
  readonly status: number
  text(): string
  events(): TailEvent[]
  records(): RecordView[]
  isOver(): boolean
}

async function open(topic: string, who: Caller = {}, there = url()): Promise<OpenTail> {
  const leave = new AbortController()
  const response = await fetch(`${there}/api/console/topics/${topic}/tail`, {
    headers: await bearer(who),
    signal: leave.signal,
  })
  let text = ''
  let isOver = false
  const reading = async (): Promise<void> => {
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) text += chunk
  }
  const done = reading()
    .catch(() => undefined)
    .then(() => {
      isOver = true
    })
  const events = (): TailEvent[] =>
    text
      .split('\n\n')
      .slice(0, -1)
      .filter((block) => block.startsWith('event: records\n'))
      .map((block) => JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? '') as TailEvent)
  return {
    status: response.status,
    text: () => text,
    events,
    records: () => events().flatMap(({ records }) => records),
    isOver: () => isOver,
    async [Symbol.asyncDispose]() {
      leave.abort()
      await done
    },
  }
}

function gatewayEnv(more: Record<string, string> = {}): NodeJS.ProcessEnv {
  const urls = UPSTREAMS.map((upstream) => [`GATEWAY_${upstream.toUpperCase()}_URLS`, standIn?.url ?? ''])
  return infra().env('gateway', {
    GATEWAY_SIGNING_KEY: TEST_GATEWAY.signingKey,
    GATEWAY_CONSOLE_ACTIONS: 'on',
    // Machines that run tests do much else.
    GATEWAY_CONSOLE_KAFKA_MS: '20000',
    ...Object.fromEntries(urls),
    ...more,
  })
}

interface Caller {
  readonly sub?: string
  readonly sid?: string
  readonly roles?: Role[]
  readonly seconds?: number
}

async function bearer(who: Caller = {}): Promise<{ authorization: string }> {
  const { sub = 'operator-1', sid = `session-of-${sub}`, roles = ['operator'], seconds = 900 } = who
  const now = Math.floor(Date.now() / 1000)
  const claims = { iss: 'timesale-account', aud: 'timesale', sub, sid, roles, jti: crypto.randomUUID() }
  const token = await new SignJWT({ ...claims, iat: now, exp: now + seconds })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: publicJwk.kid })
    .sign(privateKey)
  return { authorization: `Bearer ${token}` }
}

function infra(): Infrastructure {
  assert.ok(infrastructure !== undefined)
  return infrastructure
}

function url(): string {
  assert.ok(gateway !== undefined)
  return `http://127.0.0.1:${gateway.port}`
}

function kafka(): TestPart {
  const part = infra().parts.get('kafka-1')
  assert.ok(part !== undefined)
  return part
}

function redis(): ReturnType<typeof createClient> {
  assert.ok(client !== undefined)
  return client
}

function admin(): Admin {
  assert.ok(offsets !== undefined)
  return offsets
}
