import { sameText, type Claim, type Figure, type Text } from '../framework/experiment.ts'
import { BACKLOG_MIB, HEAP_MIB, MEMORY_MIB } from './backlog.ts'
import type { Left } from './crashes.ts'
import { ORDERS } from './in-order.ts'
import { EVENTS } from './two-readers.ts'

export interface Found {
  /** What each of two readers got. */
  readonly list: readonly [number, number]
  readonly topic: readonly [number, number]
  /** Orders whose steps were done out of order. */
  readonly inOrder: { readonly list: number; readonly topic: number }
  readonly again: { readonly list: number; readonly topic: number }
  /** One event whose reader was killed. */
  readonly lost: { readonly popped: boolean; readonly moved: boolean }
  readonly redelivered: boolean
  readonly after: Left
  /** MiB that were taken. */
  readonly backlog: { readonly list: number; readonly topic: number }
}

export function claimsOf({ list, topic, inOrder, again, lost, redelivered, after, backlog }: Found): Claim[] {
  return [
    claim(
      'Of a list two readers get a part each, of a topic two groups get everything',
      '리스트는 두 독자가 나눠 갖고, 토픽은 두 그룹이 각각 전부를 읽는다',
      list[0] + list[1] === EVENTS && topic.every((count) => count === EVENTS),
      `list ${list.join(' and ')}, topic ${topic.join(' and ')} of ${EVENTS}`,
    ),
    claim(
      'Two who work off a list do the steps of an order out of order; two members of a group do not, since a key has one partition',
      '리스트를 둘이 처리하면 한 주문의 단계가 뒤바뀐다. 그룹의 두 멤버는 키가 한 파티션에 있으므로 뒤바뀌지 않는다',
      inOrder.list > 0 && inOrder.topic === 0,
      `list ${inOrder.list}, topic ${inOrder.topic} of ${ORDERS} orders`,
    ),
    claim(
      'What was read from a list is gone; a topic is read again from its beginning',
      '리스트에서 읽은 것은 사라지고, 토픽은 처음부터 다시 읽을 수 있다',
      again.list === 0 && again.topic === EVENTS,
      `list ${again.list}, topic ${again.topic} of ${EVENTS}`,
    ),
    claim(
      'A reader that pops and dies takes the event with it; one that moves it to a list of its own does not, if somebody looks there',
      '꺼내다 죽은 독자는 이벤트를 가져가 버린다. 자기 리스트로 옮겨 두면 남지만, 누군가 거기를 찾아봐야 한다',
      lost.popped && !lost.moved,
      `popped: ${lost.popped ? 'lost' : 'there'}; moved: ${lost.moved ? 'lost' : 'there'}`,
    ),
    claim(
      'A consumer that dies before it commits gets the record again',
      '커밋하기 전에 죽은 컨슈머는 레코드를 다시 받는다',
      redelivered,
      redelivered ? 'read again by the next member' : 'not read again',
    ),
    claim(
      'kill -9 of the server takes all from a Redis without a log, and nothing from one with a log, nor from Kafka',
      '서버를 kill -9 하면 로그 없는 Redis는 전부 잃고, 로그를 켠 Redis와 Kafka는 아무것도 잃지 않는다',
      after.plain === 0 && after.logged === EVENTS && after.topic >= EVENTS,
      `Redis ${after.plain}, with a log ${after.logged}, Kafka ${after.topic} of ${EVENTS}`,
    ),
    claim(
      'A list must fit into memory, a topic need not',
      '리스트는 메모리에 들어가야 하고, 토픽은 그럴 필요가 없다',
      backlog.list < MEMORY_MIB && backlog.topic === BACKLOG_MIB,
      `list refused after ${backlog.list} MiB, with ${MEMORY_MIB} MiB of memory; topic took ${backlog.topic} MiB, with a heap of ${HEAP_MIB} MiB`,
    ),
  ]
}

export function figuresOf({ list, topic, inOrder, after, backlog }: Found): Figure[] {
  return [
    {
      title: { en: 'Events that each of two readers got', ko: '두 독자가 각각 받은 이벤트' },
      unit: { en: `of ${EVENTS}`, ko: `${EVENTS}개 중` },
      bars: [
        bar('list, reader 1', '리스트, 독자 1', list[0]),
        bar('list, reader 2', '리스트, 독자 2', list[1]),
        bar('topic, group 1', '토픽, 그룹 1', topic[0]),
        bar('topic, group 2', '토픽, 그룹 2', topic[1]),
      ],
    },
    {
      title: { en: 'Orders whose steps were done out of order', ko: '단계가 뒤바뀌어 처리된 주문' },
      unit: { en: `of ${ORDERS}`, ko: `${ORDERS}건 중` },
      bars: [
        bar('list, two readers', '리스트, 독자 둘', inOrder.list),
        bar('topic, two members', '토픽, 멤버 둘', inOrder.topic),
      ],
    },
    {
      title: { en: 'There after kill -9 of the server', ko: '서버를 kill -9 한 뒤 남은 이벤트' },
      unit: { en: `of ${EVENTS}`, ko: `${EVENTS}개 중` },
      bars: [
        bar('Redis as a cache is set up', '캐시로 설정한 Redis', after.plain),
        bar('Redis with a log (everysec)', '로그를 켠 Redis(everysec)', after.logged),
        bar('Kafka', 'Kafka', Math.min(after.topic, EVENTS)),
      ],
    },
    {
      title: { en: 'Taken while nobody read', ko: '아무도 읽지 않을 때 받아 준 양' },
      unit: sameText('MiB'),
      bars: [
        bar(`list, ${MEMORY_MIB} MiB of memory`, `리스트, 메모리 ${MEMORY_MIB} MiB`, backlog.list),
        bar(`topic, heap of ${HEAP_MIB} MiB`, `토픽, 힙 ${HEAP_MIB} MiB`, backlog.topic),
      ],
    },
  ]
}

function claim(en: string, ko: string, holds: boolean, because: string): Claim {
  return { text: { en, ko }, holds, because }
}

function bar(en: string, ko: string, value: number): { side: Text; values: number[] } {
  return { side: { en, ko }, values: [value] }
}
