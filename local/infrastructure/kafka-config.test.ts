import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brokerProperties } from './kafka-config.ts'

test('one broker is its own quorum and keeps one copy of everything', () => {
  const settings = settingsOf(1, 1)

  assert.equal(settings.get('controller.quorum.voters'), '1@127.0.0.1:9093')
  assert.equal(settings.get('default.replication.factor'), '1')
  assert.equal(settings.get('min.insync.replicas'), '1')
  assert.equal(settings.get('offsets.topic.replication.factor'), '1')
})

test('three brokers vote together and keep three copies, of which two must be written', () => {
  const settings = settingsOf(2, 3)

  assert.equal(settings.get('node.id'), '2')
  assert.equal(settings.get('controller.quorum.voters'), '1@127.0.0.1:9093,2@127.0.0.1:9193,3@127.0.0.1:9293')
  assert.equal(settings.get('advertised.listeners'), 'PLAINTEXT://127.0.0.1:9192,OUTSIDE://127.0.0.1:9194')
  assert.equal(settings.get('default.replication.factor'), '3')
  assert.equal(settings.get('min.insync.replicas'), '2')
  assert.equal(settings.get('transaction.state.log.min.isr'), '2')
})

test('clients of the outside listener are sent to what stands before it, those of the other one are not', () => {
  const ports = [{ internal: 9092, controller: 9093, outside: 9094, advertisedOutside: 7000 }]
  const text = brokerProperties({ broker: 1, ports, logDir: '/data' })

  assert.match(text, /^listeners=PLAINTEXT:\/\/127.0.0.1:9092,OUTSIDE:\/\/127.0.0.1:9094,/m)
  assert.match(text, /^advertised.listeners=PLAINTEXT:\/\/127.0.0.1:9092,OUTSIDE:\/\/127.0.0.1:7000$/m)
})

test('topics are neither made by a typing error nor forgotten with time, nor is how far they were read', () => {
  const settings = settingsOf(1, 1)

  assert.equal(settings.get('auto.create.topics.enable'), 'false')
  assert.equal(settings.get('log.retention.ms'), '-1')
  assert.equal(settings.get('offsets.retention.minutes'), '2147483647')
})

test('a folder with a Korean name is written as Java reads it', () => {
  assert.equal(settingsOf(1, 1, '/home/시간/a\\b').get('log.dirs'), '/home/\\uc2dc\\uac04/a\\\\b')
})

function settingsOf(broker: number, brokers: number, logDir = '/data'): Map<string, string> {
  const ports = Array.from({ length: brokers }, (_, index) => ({
    internal: 9092 + 100 * index,
    controller: 9093 + 100 * index,
    outside: 9094 + 100 * index,
  }))
  const lines = brokerProperties({ broker, ports, logDir }).trimEnd().split('\n')

  return new Map(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
}
