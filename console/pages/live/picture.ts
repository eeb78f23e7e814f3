import {
  readBy,
  readersOf,
  SERVICES,
  SHOWN_TOPICS,
  writersOf,
  writtenBy,
  type ServiceName,
  type ShownTopic,
} from './shop-map.ts'

// Where everything stands in the picture, in pixels. Services that are called by the gateway are above Kafka, those that only
// hear of things below it; topics are lanes between them, so that every arrow is straight: down to a lane or up to a box.

export interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export interface Point {
  readonly x: number
  readonly y: number
}

/** Records on their way: to a topic, along it, or from it to a group. `end` is where the arrow points. */
export interface Arrow {
  readonly id: string
  readonly kind: 'write' | 'along' | 'read'
  readonly topic: ShownTopic
  /** Who writes or reads; a topic's own lane has none. */
  readonly service?: ServiceName
  readonly start: Point
  readonly end: Point
  /** The middle of the number beside it. */
  readonly number?: Point
}

export const WIDTH = 1024
export const HEIGHT = 668

const LEFT = 162
const GAP = 12
const CARD = { width: 140, height: 122 }
const TOP_Y = 142
const BOTTOM_Y = HEIGHT - CARD.height
const BAND = { y: 316, height: 178 }
const LANE_FIRST_Y = BAND.y + 25
const LANE_STEP = 32
/** Numbers beside arrows that stand close together are in two rows. */
const NUMBER_ROWS = [15, 33] as const

const ABOVE = ['account', 'seller', 'product', 'order', 'storefront'] as const satisfies readonly ServiceName[]
const BELOW = ['analytics', 'notification', 'stock'] as const satisfies readonly ServiceName[]

const RIGHT = LEFT + ABOVE.length * CARD.width + (ABOVE.length - 1) * GAP
const BELOW_WIDTH = (RIGHT - LEFT - (BELOW.length - 1) * GAP) / BELOW.length

export const BUYERS: Box = { x: LEFT, y: 0, width: RIGHT - LEFT, height: 36 }
export const GATEWAY: Box = { x: LEFT, y: 62, width: RIGHT - LEFT, height: 46 }
export const REDIS: Box = {
  x: RIGHT + 16,
  y: GATEWAY.y,
  width: WIDTH - RIGHT - 16,
  height: TOP_Y + CARD.height - GATEWAY.y,
}
export const KAFKA: Box = { x: 0, y: BAND.y, width: WIDTH, height: BAND.height }

export const SERVICE_BOXES: Readonly<Record<Exclude<ServiceName, 'gateway'>, Box>> = {
  ...row(ABOVE, TOP_Y, CARD.width),
  ...row(BELOW, BOTTOM_Y, BELOW_WIDTH),
}

export const TOPIC_BOXES: Readonly<Record<ShownTopic, Box>> = Object.fromEntries(
  SHOWN_TOPICS.map((topic) => [topic, { x: 6, y: laneY(topic) - 13, width: 150, height: 26 }]),
) as Record<ShownTopic, Box>

/** Where nothing else is. */
export const LEGEND: Box = { x: 0, y: 0, width: LEFT - 14, height: KAFKA.y }

/** Up to four brokers stand one above the other, where all topics can be reached from. */
export function brokerBox(index: number, count: number): Box {
  const height = Math.min(44, (BAND.height - 24) / Math.max(count, 1) - 6)
  return { x: REDIS.x, y: BAND.y + 12 + index * (height + 6), width: REDIS.width - 8, height }
}

export function laneY(topic: ShownTopic): number {
  return LANE_FIRST_Y + SHOWN_TOPICS.indexOf(topic) * LANE_STEP
}

/** Every arrow on which records move. */
export const ARROWS: readonly Arrow[] = [
  ...SHOWN_TOPICS.flatMap((topic) => alongLane(topic)),
  ...SERVICES.flatMap((service) => ofService(service)),
]

/** Where an order comes in. */
export const ORDERS_IN = {
  start: { x: middle(SERVICE_BOXES.order), y: BUYERS.height },
  end: { x: middle(SERVICE_BOXES.order), y: TOP_Y },
} as const satisfies Record<string, Point>

/** Calls whose rate nobody counts: lines from the gateway, and to Redis. */
export const CALLS: readonly (readonly Point[])[] = [
  ...ABOVE.filter((service) => service !== 'order').map((service) => [
    { x: middle(SERVICE_BOXES[service]), y: GATEWAY.y + GATEWAY.height },
    { x: middle(SERVICE_BOXES[service]), y: TOP_Y },
  ]),
  [
    { x: RIGHT, y: GATEWAY.y + GATEWAY.height / 2 },
    { x: REDIS.x, y: GATEWAY.y + GATEWAY.height / 2 },
  ],
  [
    { x: SERVICE_BOXES.order.x + CARD.width - 18, y: TOP_Y },
    { x: SERVICE_BOXES.order.x + CARD.width - 18, y: TOP_Y - 12 },
    { x: REDIS.x, y: TOP_Y - 12 },
  ],
  [
    { x: RIGHT, y: TOP_Y + CARD.height / 2 },
    { x: REDIS.x, y: TOP_Y + CARD.height / 2 },
  ],
  [
    { x: RIGHT, y: BOTTOM_Y + 40 },
    { x: RIGHT + 8, y: BOTTOM_Y + 40 },
    { x: RIGHT + 8, y: REDIS.y + REDIS.height - 14 },
    { x: REDIS.x, y: REDIS.y + REDIS.height - 14 },
  ],
]

function ofService(service: ServiceName): Arrow[] {
  if (service === 'gateway') return []
  const box = SERVICE_BOXES[service]
  const isAbove = box.y < BAND.y
  const edge = isAbove ? box.y + box.height : box.y
  const arrows = [
    ...writtenBy(service).map((topic) => ({ kind: 'write' as const, topic })),
    ...readBy(service).map((topic) => ({ kind: 'read' as const, topic })),
  ]
  return arrows.map(({ kind, topic }, index) => {
    const x = box.x + (box.width * (index + 1)) / (arrows.length + 1)
    const atBox = { x, y: edge }
    const atLane = { x, y: laneY(topic) }
    const away = NUMBER_ROWS[index % NUMBER_ROWS.length] ?? 0
    return {
      id: `${kind} ${service} ${topic}`,
      ...{ kind, topic, service },
      ...(kind === 'write' ? { start: atBox, end: atLane } : { start: atLane, end: atBox }),
      number: { x, y: isAbove ? edge + away : edge - away },
    }
  })
}

/** From where the writer's arrow ends to the farthest reader on either side. */
function alongLane(topic: ShownTopic): Arrow[] {
  const y = laneY(topic)
  const at = (kind: Arrow['kind'], services: readonly string[]): number[] =>
    SERVICES.filter((service) => services.includes(service))
      .flatMap((service) => ofService(service))
      .filter((arrow) => arrow.kind === kind && arrow.topic === topic)
      .map(({ start }) => start.x)
  const readers = at('read', readersOf(topic))
  return at('write', writersOf(topic)).flatMap((writer) =>
    [Math.min(...readers), Math.max(...readers)]
      .filter((far, side) => (side === 0 ? far < writer : far > writer))
      .map((far) => ({
        id: `along ${topic} to ${far}`,
        kind: 'along' as const,
        topic,
        start: { x: writer, y },
        end: { x: far, y },
      })),
  )
}

function row<Name extends ServiceName>(names: readonly Name[], y: number, width: number): Record<Name, Box> {
  const boxes = names.map((name, index) => [name, { x: LEFT + index * (width + GAP), y, width, height: CARD.height }])
  return Object.fromEntries(boxes) as Record<Name, Box>
}

function middle({ x, width }: Box): number {
  return x + width / 2
}
