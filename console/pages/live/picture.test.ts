import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ARROWS,
  brokerBox,
  BUYERS,
  GATEWAY,
  HEIGHT,
  KAFKA,
  laneY,
  LEGEND,
  REDIS,
  SERVICE_BOXES,
  TOPIC_BOXES,
  WIDTH,
  type Box,
} from './picture.ts'
import { readBy, SERVICES, SHOWN_TOPICS, writtenBy } from './shop-map.ts'

const boxes: readonly Box[] = [
  ...[BUYERS, GATEWAY, REDIS, LEGEND],
  ...Object.values(SERVICE_BOXES),
  ...Object.values(TOPIC_BOXES),
  ...[0, 1, 2].map((index) => brokerBox(index, 3)),
]

test('no box lies on another one or outside the picture', () => {
  for (const [index, one] of boxes.entries()) {
    assert.ok(one.x >= 0 && one.y >= 0 && one.x + one.width <= WIDTH && one.y + one.height <= HEIGHT)
    for (const other of boxes.slice(index + 1)) {
      const isApart =
        one.x + one.width <= other.x ||
        other.x + other.width <= one.x ||
        one.y + one.height <= other.y ||
        other.y + other.height <= one.y
      assert.ok(isApart, `${JSON.stringify(one)} and ${JSON.stringify(other)}`)
    }
  }
})

test('there is an arrow for each topic that a service writes or reads, and no other', () => {
  const wanted = SERVICES.flatMap((service) => [
    ...writtenBy(service).map((topic) => `write ${service} ${topic}`),
    ...readBy(service).map((topic) => `read ${service} ${topic}`),
  ])
  const drawn = ARROWS.filter(({ kind }) => kind !== 'along').map(({ id }) => id)
  assert.deepEqual(drawn.toSorted(), wanted.toSorted())
})

test('an arrow is straight and joins the edge of a box with its lane', () => {
  for (const { kind, topic, start, end } of ARROWS) {
    if (kind === 'along') assert.deepEqual([start.y, end.y], [laneY(topic), laneY(topic)])
    else assert.equal(start.x, end.x)
    const atLane = kind === 'write' ? end : start
    assert.equal(atLane.y, laneY(topic))
    assert.ok(atLane.y > KAFKA.y && atLane.y < KAFKA.y + KAFKA.height)
  }
})

test('a lane leads from its writer to every reader', () => {
  for (const topic of SHOWN_TOPICS) {
    const lane = ARROWS.filter((arrow) => arrow.kind === 'along' && arrow.topic === topic).flatMap(({ start, end }) => [
      start.x,
      end.x,
    ])
    const readers = ARROWS.filter((arrow) => arrow.kind === 'read' && arrow.topic === topic)
    for (const { start } of readers) assert.ok(start.x >= Math.min(...lane) && start.x <= Math.max(...lane))
  }
})

test('no two numbers lie on each other', () => {
  const numbers = ARROWS.flatMap(({ number }) => (number === undefined ? [] : [number]))
  assert.ok(numbers.length > 0)
  for (const [index, one] of numbers.entries())
    for (const other of numbers.slice(index + 1))
      assert.ok(Math.abs(one.x - other.x) >= 50 || Math.abs(one.y - other.y) >= 16, JSON.stringify([one, other]))
})
