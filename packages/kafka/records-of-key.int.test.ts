import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startInfrastructure } from '@timesale/testkit/infrastructure'
import { produce } from '@timesale/testkit/records'
import { keyToPartition } from './partition.ts'
import { readRecordsOfKey } from './records-of-key.ts'

const KEY = 'order-1'
/** More than a broker gives in one answer. */
const BETWEEN = 40
const FILLER = 'x'.repeat(60_000)

test('what was sent twice is found, also where much lies between, and all else was found before', async () => {
  await using servers = await startInfrastructure({ databases: [], kafka: true })
  const own = keyToPartition(Buffer.from(KEY)) % 6
  const mine = (value: string) => ({ topic: 'order-topic', key: KEY, value })
  const others = Array.from({ length: BETWEEN }, (_none, index) => {
    return { topic: 'order-topic', key: `other-${index}`, value: FILLER, partition: own }
  })
  await produce(servers.brokers, [mine('first'), ...others, mine('again')])

  const answers: number[] = []
  const found = await readRecordsOfKey({
    ...{ clientId: 'test', brokers: servers.brokers.split(','), topics: ['order-topic'], key: KEY },
    since: new Date(Date.now() - 60_000),
    isEnough(records) {
      answers.push(records.length)
      return records.length > 0
    },
    deadline: performance.now() + 30_000,
  })

  assert.deepEqual([...new Set(found.map(({ value }) => String(value)))], ['first', 'again'])
  assert.equal(answers[0], 1, 'the first answer held both, so nothing was tried')
})
