import assert from 'node:assert/strict'
import { test } from 'node:test'
import { blockedAt, databaseServices, portOffsetMax, portsWithOffset, serviceNames } from './ports.ts'

function allPorts(offset: number): number[] {
  const ports = portsWithOffset(offset)
  return [
    ...serviceNames.map((name) => ports.service(name)),
    ...databaseServices.map((name) => ports.database(name)),
    ...[1, 2, 3].flatMap((broker) => Object.values(ports.broker(broker))),
    ports.redis,
    ports.config,
  ]
}

test('without an offset the ports are those that everybody knows', () => {
  const ports = portsWithOffset(0)
  assert.equal(ports.service('order'), 8081)
  assert.equal(ports.database('order'), 5434)
  assert.equal(ports.redis, 6379)
  assert.equal(ports.config, 8888)
  assert.deepEqual(ports.broker(1), { internal: 9092, controller: 9093, outside: 9094 })
  assert.deepEqual(ports.broker(3), { internal: 9292, controller: 9293, outside: 9294 })
})

test('an offset moves every port by the same', () => {
  assert.deepEqual(
    allPorts(1000),
    allPorts(0).map((port) => port + 1000),
  )
})

test('an offset that puts somebody where no browser calls is known', async () => {
  const blocked = Array.from({ length: 3_000 }, (_none, offset) => offset).filter((offset) => blockedAt(offset))
  assert.deepEqual(blockedAt(2_000), { name: 'gateway', port: 10_080 })
  assert.equal(blocked.length, serviceNames.length + 1)
  // As fetch itself says.
  await assert.rejects(fetch('http://127.0.0.1:10080'), ({ cause }: Error) => String(cause).includes('bad port'))
})

test('no two parts share a port', () => {
  assert.equal(new Set(allPorts(0)).size, allPorts(0).length)
})

test('two shops a thousand apart, as the messages advise, do not meet', () => {
  assert.deepEqual(
    allPorts(0).filter((port) => allPorts(1000).includes(port)),
    [],
  )
})

test('with the largest offset the highest port is still one', () => {
  assert.equal(Math.max(...allPorts(portOffsetMax)), 65_535)
})
