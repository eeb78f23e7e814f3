import { shown } from '../framework/chart.ts'
import {
  sameText,
  unlessUnseen,
  type Bar,
  type Claim,
  type Figure,
  type Language,
  type Text,
} from '../framework/experiment.ts'
import { BACKLOG_EVENTS, BACKLOG_MIB, mebibytes, MEMORY_MIB, type Backlog, type Kept } from './backlog.ts'
import type { Left, ReadAgain } from './crashes.ts'
import { ORDERS } from './in-order.ts'
import { EVENTS } from './two-readers.ts'

/** One repeat of all but the backlog. */
export interface Run {
  /** What each of two readers got. */
  readonly list: readonly [number, number]
  readonly topic: readonly [number, number]
  /** Orders whose steps were done out of order. */
  readonly inOrder: { readonly list: number; readonly topic: number }
  readonly again: { readonly list: number; readonly topic: number }
  /** One event whose reader was killed. */
  readonly lost: { readonly popped: boolean; readonly moved: boolean }
  readonly readAgain: ReadAgain
  readonly after: Left
}

/** At least, of what is read back from the topic; a file system that compresses makes a quarter less of it. */
const FROM_DISK = 0.7

export function claimsOf(runs: readonly Run[], backlogs: readonly Backlog[]): Claim[] {
  const range = (language: Language, value: (run: Run) => number): string => rangeOf(language, runs.map(value))
  const times = (language: Language, is: (run: Run) => boolean): string => {
    const count = runs.filter(is).length
    return language === 'en' ? `${count} of ${runs.length}` : `${runs.length}번 중 ${count}번`
  }
  const pairs = (language: Language, which: 'list' | 'topic'): string =>
    runs.map((run) => run[which].map((count) => shown(count)).join(language === 'en' ? ' and ' : '·')).join('; ')
  return [
    claim(
      'Of a list two readers get a part each, of a topic two groups get everything',
      '리스트는 읽는 쪽 둘이 나눠 갖고, 토픽은 두 그룹이 각각 전부를 읽는다',
      runs.every(({ list, topic }) => list[0] + list[1] === EVENTS && topic.every((count) => count === EVENTS)),
      {
        en: `of ${shown(EVENTS)}: list ${pairs('en', 'list')}, topic ${pairs('en', 'topic')}`,
        ko: `${shown(EVENTS)}개 가운데 리스트 ${pairs('ko', 'list')}, 토픽 ${pairs('ko', 'topic')}`,
      },
    ),
    claim(
      'Two who work off a list do the steps of an order out of order; two members of a group do not, since a key has one partition',
      '리스트를 둘이 처리하면 한 주문의 단계가 뒤바뀐다. 그룹의 두 멤버는 키가 한 파티션에 있으므로 뒤바뀌지 않는다',
      runs.every(({ inOrder }) => inOrder.list > 0 && inOrder.topic === 0),
      {
        en: `list ${range('en', ({ inOrder }) => inOrder.list)}, topic ${range('en', ({ inOrder }) => inOrder.topic)} of ${ORDERS} orders`,
        ko: `주문 ${ORDERS}건 가운데 리스트 ${range('ko', ({ inOrder }) => inOrder.list)}건, 토픽 ${range('ko', ({ inOrder }) => inOrder.topic)}건`,
      },
    ),
    claim(
      'What was read from a list is gone; a topic is read again from its beginning',
      '리스트에서 읽은 것은 사라지고, 토픽은 처음부터 다시 읽을 수 있다',
      runs.every(({ again }) => again.list === 0 && again.topic === EVENTS),
      {
        en: `list ${range('en', ({ again }) => again.list)}, topic ${range('en', ({ again }) => again.topic)} of ${shown(EVENTS)}`,
        ko: `${shown(EVENTS)}개 가운데 리스트 ${range('ko', ({ again }) => again.list)}개, 토픽 ${range('ko', ({ again }) => again.topic)}개`,
      },
    ),
    claim(
      'A reader that pops and dies takes the event with it; one that moves it to a list of its own does not, if somebody looks there',
      '꺼낸 채 죽은 프로세스는 이벤트를 가져가 버린다. 자기 리스트로 옮겨 두면 남지만, 누군가 거기를 찾아봐야 한다',
      runs.every(({ lost }) => lost.popped && !lost.moved),
      {
        en: `popped: lost in ${times('en', ({ lost }) => lost.popped)}; moved: lost in ${times('en', ({ lost }) => lost.moved)}`,
        ko: `꺼냈을 때 ${times('ko', ({ lost }) => lost.popped)}, 옮겨 두었을 때 ${times('ko', ({ lost }) => lost.moved)} 잃었다`,
      },
    ),
    claim(
      'The record of a consumer that dies before it commits is read again by the next member of its group; that of one that has committed is not',
      '커밋하기 전에 죽은 컨슈머의 레코드는 같은 그룹의 다음 멤버가 다시 읽는다. 커밋하고 죽은 컨슈머의 레코드는 다시 읽지 않는다',
      runs.every(({ readAgain }) => readAgain.uncommitted && !readAgain.committed),
      {
        en: `read again without a commit in ${times('en', ({ readAgain }) => readAgain.uncommitted)}, with one in ${times('en', ({ readAgain }) => readAgain.committed)}`,
        ko: `커밋하지 않았을 때 ${times('ko', ({ readAgain }) => readAgain.uncommitted)}, 커밋했을 때 ${times('ko', ({ readAgain }) => readAgain.committed)} 다시 읽었다`,
      },
    ),
    claim(
      'kill -9 of the server takes all from a Redis without a log, and nothing from one with a log, nor from Kafka',
      '서버를 kill -9 하면 로그 없는 Redis는 전부 잃고, 로그를 켠 Redis와 Kafka는 아무것도 잃지 않는다',
      runs.every(({ after }) => after.plain === 0 && after.logged === EVENTS && after.topic === EVENTS),
      {
        en: `Redis ${range('en', ({ after }) => after.plain)}, with a log ${range('en', ({ after }) => after.logged)}, Kafka ${range('en', ({ after }) => after.topic)} of ${shown(EVENTS)}`,
        ko: `${shown(EVENTS)}개 가운데 Redis ${range('ko', ({ after }) => after.plain)}개, 로그를 켠 Redis ${range('ko', ({ after }) => after.logged)}개, Kafka ${range('ko', ({ after }) => after.topic)}개가 남았다`,
      },
    ),
    ...claimsOfBacklogs(backlogs),
  ]
}

function claimsOfBacklogs(backlogs: readonly Backlog[]): Claim[] {
  const range = (language: Language, which: 'list' | 'topic', what: keyof Kept): string =>
    rangeOf(
      language,
      backlogs.map((backlog) => mebibytes(backlog[which][what])),
    )
  const percent = (language: Language): string =>
    rangeOf(
      language,
      backlogs.map(({ fromDisk = 0 }) => Math.round(fromDisk * 100)),
    )
  return [
    claim(
      'A list is full when its memory is; a topic takes twice as much, and both give back in order what they took',
      '리스트는 메모리가 차면 더 받지 못하고, 토픽은 그 두 배를 받는다. 받은 것은 둘 다 순서대로 돌려준다',
      backlogs.every(({ list, topic }) => {
        const isKept = list.readBack === list.taken && topic.readBack === topic.taken
        return isKept && list.taken > 0 && mebibytes(list.taken) < MEMORY_MIB && topic.taken === BACKLOG_EVENTS
      }),
      {
        en: [
          `of ${BACKLOG_MIB} MiB the list took ${range('en', 'list', 'taken')}, read back ${range('en', 'list', 'readBack')}`,
          `the topic took ${range('en', 'topic', 'taken')}, read back ${range('en', 'topic', 'readBack')}`,
        ].join('; '),
        ko: [
          `${BACKLOG_MIB} MiB 가운데 리스트가 받은 것 ${range('ko', 'list', 'taken')}, 돌려준 것 ${range('ko', 'list', 'readBack')}`,
          `토픽이 받은 것 ${range('ko', 'topic', 'taken')}, 돌려준 것 ${range('ko', 'topic', 'readBack')}`,
        ].join('; '),
      },
    ),
    unlessUnseen(
      isToldOfDisk(backlogs)
        ? undefined
        : {
            en: 'the topic could not be dropped from memory, so it may have fitted into it',
            ko: '토픽을 캐시에서 내려놓지 못해, 전부 메모리에 있었을 수 있다',
          },
      claim(
        'Nothing of a topic needs to be in memory: dropped from there, it is read back from the disk',
        '토픽은 메모리에 없어도 된다: 캐시에서 내려놓아도 디스크에서 읽어 온다',
        backlogs.every(({ fromDisk = 0 }) => fromDisk >= FROM_DISK),
        { en: `${percent('en')}% from the disk`, ko: `디스크에서 ${percent('ko')}%` },
      ),
    ),
  ]
}

export function figuresOf(runs: readonly Run[], backlogs: readonly Backlog[]): Figure[] {
  const bar = (en: string, ko: string, value: (run: Run) => number): Bar => ({
    side: { en, ko },
    values: runs.map(value),
  })
  const barOfBacklogs = (en: string, ko: string, value: (backlog: Backlog) => number): Bar => ({
    side: { en, ko },
    values: backlogs.map(value),
  })
  return [
    {
      title: { en: 'Events that each of two readers got', ko: '읽는 쪽 둘이 각각 받은 이벤트' },
      unit: { en: `of ${EVENTS}`, ko: `${EVENTS}개 중` },
      bars: [
        bar('list, reader 1', '리스트, 읽는 쪽 1', ({ list }) => list[0]),
        bar('list, reader 2', '리스트, 읽는 쪽 2', ({ list }) => list[1]),
        bar('topic, group 1', '토픽, 그룹 1', ({ topic }) => topic[0]),
        bar('topic, group 2', '토픽, 그룹 2', ({ topic }) => topic[1]),
      ],
    },
    {
      title: { en: 'Orders whose steps were done out of order', ko: '단계가 뒤바뀌어 처리된 주문' },
      unit: { en: `of ${ORDERS}`, ko: `${ORDERS}건 중` },
      bars: [
        bar('list, two readers', '리스트, 둘이 처리', ({ inOrder }) => inOrder.list),
        bar('topic, two members', '토픽, 멤버 둘', ({ inOrder }) => inOrder.topic),
      ],
    },
    {
      title: { en: 'There after kill -9 of the server', ko: '서버를 kill -9 한 뒤 남은 이벤트' },
      unit: { en: `of ${EVENTS}`, ko: `${EVENTS}개 중` },
      bars: [
        bar('Redis as a cache is set up', '캐시로 설정한 Redis', ({ after }) => after.plain),
        bar('Redis with a log (everysec)', '로그를 켠 Redis(everysec)', ({ after }) => after.logged),
        bar('Kafka', 'Kafka', ({ after }) => after.topic),
      ],
    },
    {
      title: {
        en: `Taken while nobody read, with ${MEMORY_MIB} MiB for Redis and for Kafka's heap`,
        ko: `아무도 읽지 않을 때 받아 준 양(Redis 메모리, Kafka 힙 각각 ${MEMORY_MIB} MiB)`,
      },
      unit: sameText('MiB'),
      bars: [
        barOfBacklogs('list', '리스트', ({ list }) => mebibytes(list.taken)),
        barOfBacklogs('topic', '토픽', ({ topic }) => mebibytes(topic.taken)),
        ...(isToldOfDisk(backlogs)
          ? [
              barOfBacklogs(
                'topic, read back from the disk',
                '토픽, 디스크에서 다시 읽은 양',
                ({ topic, fromDisk = 0 }) => Math.round(mebibytes(topic.taken) * fromDisk),
              ),
            ]
          : []),
      ],
    },
  ]
}

/** On a file system in memory there is nothing to drop, and nobody says so: then nothing comes from a disk. */
function isToldOfDisk(backlogs: readonly Backlog[]): boolean {
  return backlogs.every(({ fromDisk = 0 }) => fromDisk > 0)
}

/** `12`, or `10 to 12` where that varies. */
function rangeOf(language: Language, values: readonly number[]): string {
  const [least, most] = [shown(Math.min(...values)), shown(Math.max(...values))]
  if (least === most) return least
  return language === 'en' ? `${least} to ${most}` : `${least}~${most}`
}

function claim(en: string, ko: string, holds: boolean, because: Text): Claim {
  return { text: { en, ko }, holds, because }
}
