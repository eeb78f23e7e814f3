import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:net'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { ConnectionPool, Consumer, joinGroupV9, syncGroupV5, type Connection } from '@platformatic/kafka'
import { servicePorts, startInfrastructure, type Infrastructure } from '@timesale/testkit/infrastructure'
import { produce } from '@timesale/testkit/records'
import { until } from '@timesale/testkit/until'
import {
  committedOffsets,
  describeGroups,
  listGroups,
  type DescribedGroup,
  type ListedGroup,
} from './cluster-groups.ts'
import { createTopic, deleteTopic, topicConfigs } from './cluster-topics.ts'
import { clusterAt, ClusterUnreachable, placeOf, type AskCluster } from './cluster.ts'

test('topics are as the brokers say, and one that there is not is left out', async () => {
  const { topics, brokers, clusterId } = await ask((cluster) => cluster.state(['order-topic', 'nobody-made-this']))
  assert.deepEqual([...topics.keys()], ['order-topic'])
  const [first] = topics.get('order-topic')?.partitions ?? []
  assert.deepEqual(first, { topic: 'order-topic', partition: 0, leader: 1, replicas: [1], inSync: [1] })
  assert.deepEqual([brokers.map(({ node }) => node), clusterId.length], [[1], 22])
  assert.equal(await ask(async (cluster) => cluster.controller(await cluster.state([]))), 1)
})

test('offsets: the first, the end, and the first since a time', async () => {
  const topic = 'payment-topic'
  await produce(
    infra.brokers,
    [1, 2, 3].map(() => ({ topic, partition: 2, value: 'early' })),
  )
  const between = new Date()
  await until('time has passed', () => Date.now() > between.getTime())
  await produce(infra.brokers, [{ topic, partition: 2, value: 'late' }])
  const at = async (when: 'first' | 'end' | Date): Promise<Map<string, bigint>> =>
    await ask(async (cluster) => {
      const { topics } = await cluster.state([topic])
      return await cluster.offsets(topics.get(topic)?.partitions ?? [], when)
    })
  assert.deepEqual(await at('first'), new Map([0, 1, 2, 3, 4, 5].map((one) => [placeOf(topic, one), 0n])))
  assert.equal((await at('end')).get(placeOf(topic, 2)), 4n)
  assert.equal((await at(new Date(between.getTime() + 1))).get(placeOf(topic, 2)), 3n)
  assert.equal((await at(new Date(0))).get(placeOf(topic, 2)), 0n)
  assert.equal((await at(new Date(Date.now() + 60_000))).get(placeOf(topic, 2)), 4n)
})

test('a topic is made once, described and deleted once', async () => {
  const topic = 'play-once'
  const change = <T>(work: Parameters<typeof ask<T>>[0]): Promise<T> => ask(work)
  const make = (): Promise<boolean> =>
    change(async (cluster) => createTopic(cluster, await cluster.state([]), { topic, partitions: 3 }))
  assert.deepEqual([await make(), await make()], [true, false])
  await until('the broker knows it', () => change(async (cluster) => (await cluster.state([topic])).topics.has(topic)))
  const configs = await ask(async (cluster) => topicConfigs(cluster, topic, await cluster.state([])))
  assert.deepEqual(
    configs.find(({ name }) => name === 'cleanup.policy'),
    { name: 'cleanup.policy', value: 'delete', isDefault: true },
  )
  const remove = (): Promise<boolean> => change(async (cluster) => deleteTopic(cluster, await cluster.state([]), topic))
  assert.equal(await remove(), true)
  await until('the broker has forgotten it', async () => !(await remove()))
})

test('a group of consumers is described: members, partitions, offsets', async () => {
  for (const protocol of ['classic', 'consumer'] as const) {
    const group = `group-${protocol}`
    const consumer = new Consumer<Buffer, Buffer, Buffer, Buffer>({
      ...{ clientId: `client-${protocol}`, groupId: group, bootstrapBrokers: [infra.brokers], autocommit: false },
      ...(protocol === 'consumer' ? { groupProtocol: 'consumer' } : {}),
    })
    const stream = await consumer.consume({ topics: ['seller-topic'], mode: 'latest' })
    try {
      const { listed, described } = await until(`the members of ${group} are there`, async () => {
        const found = await describe(group)
        const assigned = found?.described?.members[0]?.assignment[0]?.partitions.length
        return assigned === 6 && found?.described?.state === 'STABLE' ? found : undefined
      })
      assert.equal(listed.coordinator, 1)
      const [member] = described?.members ?? []
      assert.deepEqual([member?.clientId, member?.host], [`client-${protocol}`, '127.0.0.1'])
      assert.deepEqual(member?.assignment[0]?.topic, 'seller-topic')
      const offsets = [{ topic: 'seller-topic', partition: 4, offset: 7n, leaderEpoch: -1 }]
      await consumer.commit({ offsets })
      assert.deepEqual(
        await ask(async (cluster) => {
          await cluster.state([])
          return committedOffsets(cluster, listed)
        }),
        new Map([[placeOf('seller-topic', 4), 7n]]),
      )
    } finally {
      await stream.close()
      await consumer.close(true)
    }
  }
})

test('Kafka’s own topics are among all of them', async () => {
  // Made when a broker is first asked who coordinates a group.
  const consumer = new Consumer({ clientId: 'anybody', groupId: 'anybody', bootstrapBrokers: [infra.brokers] })
  await until('somebody coordinates it', () => consumer.findGroupCoordinator())
  await consumer.close(true)
  const { topics } = await ask((cluster) => cluster.state('all'))
  assert.equal(topics.get('__consumer_offsets')?.isInternal, true)
  assert.equal(topics.get('order-topic')?.isInternal, false)
})

test('a group of something else than consumers harms nobody, whatever its members say of themselves', async () => {
  const group = 'connect-cluster'
  const pool = new ConnectionPool('connect-worker')
  try {
    const connection = await pool.get(brokerOf(infra))
    const nonsense = Buffer.from([0xff, 0xff, 0x7f, 0xff, 0xff, 0xff])
    await join(connection, group, nonsense)
    const { listed, described } = (await describe(group)) ?? {}
    assert.equal(listed?.protocolType, 'connect')
    assert.deepEqual(
      described?.members.map(({ clientId, assignment }) => ({ clientId, assignment })),
      [{ clientId: 'connect-worker', assignment: [] }],
    )
  } finally {
    await pool.close()
  }
})

test('one broker that hangs is passed over; where all do, it is said in time', async () => {
  const [port] = await servicePorts(1)
  const silent: Server = createServer(() => undefined)
  silent.listen(port, '127.0.0.1')
  await once(silent, 'listening')
  try {
    const hung = `127.0.0.1:${port}`
    const both = clusterAt({ clientId: 'test', brokers: [hung, infra.brokers], withinMs: 10_000 })
    assert.equal((await both((cluster) => cluster.state([]))).brokers.length, 1)
    const alone = clusterAt({ clientId: 'test', brokers: [hung], withinMs: 500 })
    const began = performance.now()
    await assert.rejects(
      alone((cluster) => cluster.state([])),
      ClusterUnreachable,
    )
    // Less than the five seconds after which a request is given up.
    assert.ok(performance.now() - began < 4_500)
  } finally {
    silent.close()
  }
  const [nobody] = await servicePorts(1)
  const dead = clusterAt({ clientId: 'test', brokers: [`127.0.0.1:${nobody}`], withinMs: 5_000 })
  await assert.rejects(
    dead((cluster) => cluster.state('all')),
    ClusterUnreachable,
  )
})

let infra: Infrastructure
let ask: AskCluster

before(async () => {
  infra = await startInfrastructure({ databases: [], kafka: true })
  ask = clusterAt({ clientId: 'test', brokers: [infra.brokers], withinMs: 20_000 })
})

after(async () => {
  await infra[Symbol.asyncDispose]()
})

async function describe(
  group: string,
): Promise<{ listed: ListedGroup; described: DescribedGroup | undefined } | undefined> {
  return await ask(async (cluster) => {
    const listed = (await listGroups(cluster, await cluster.state([]))).find((one) => one.group === group)
    if (listed === undefined) return undefined
    return { listed, described: (await describeGroups(cluster, [listed])).get(group) }
  })
}

function brokerOf({ brokers }: Infrastructure): { host: string; port: number } {
  return { host: '127.0.0.1', port: Number(brokers.split(':')[1]) }
}

/** As a worker of Kafka Connect does, with something of its own in place of what a consumer would say. */
async function join(connection: Connection, group: string, nonsense: Buffer): Promise<void> {
  const protocols = [{ name: 'default', metadata: nonsense }]
  const enter = (memberId: string): ReturnType<typeof joinGroupV9.api.async> =>
    joinGroupV9.api.async(connection, group, 10_000, 10_000, memberId, null, 'connect', protocols, null)
  const memberId = await enter('').then(
    (joined) => joined.memberId,
    // The first time a member is given its name, and is to come again with it.
    (error: { response?: { memberId?: string } }) => error.response?.memberId ?? '',
  )
  const { generationId } = await enter(memberId)
  const assignments = [{ memberId, assignment: nonsense }]
  await syncGroupV5.api.async(connection, group, generationId, memberId, null, 'connect', 'default', assignments)
}
