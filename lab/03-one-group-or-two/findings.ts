import type { Bar, Claim, Figure, Text } from '../framework/experiment.ts'
import { ordersOutOfStep } from '../framework/steps-in-order.ts'
import { distinct, KEYS, PARTITIONS, RECORDS } from './reading.ts'

/** What each member read in one run, in the order of its reading. */
export interface Run {
  /** The two of one group. */
  readonly first: readonly string[]
  readonly second: readonly string[]
  /** What both read, in the order in which it came to either. */
  readonly together: readonly string[]
  /** The only one of the group beside it. */
  readonly other: readonly string[]
  /** The members of a group of six. */
  readonly six: readonly (readonly string[])[]
  /** The only one of a group whose topic has no keys. */
  readonly mixed: readonly string[]
}

export function claimsOf(runs: readonly Run[]): Claim[] {
  const outOfOrder = (which: 'together' | 'mixed'): number[] => runs.map((run) => ordersOutOfStep(run[which]))
  const each = (value: (run: Run) => string): string => runs.map(value).join('; ')
  return [
    {
      text: {
        en: 'Members of one group share the records: each is read by one of them, and both have work',
        ko: '한 그룹의 멤버는 레코드를 나눠 읽는다: 레코드마다 한 멤버만 읽고, 둘 다 할 일이 있다',
      },
      holds: runs.every(({ first, second, together }) => {
        const isShared = distinct(first) + distinct(second) === RECORDS
        return first.length > 0 && second.length > 0 && isShared && distinct(together) === RECORDS
      }),
      because: {
        en: `of ${RECORDS}: ${each(({ first, second }) => `${first.length} and ${second.length}`)}`,
        ko: `${RECORDS}개 가운데 ${each(({ first, second }) => `${first.length}·${second.length}`)}`,
      },
    },
    {
      text: { en: 'Another group reads all of them again', ko: '다른 그룹은 전부를 다시 읽는다' },
      holds: runs.every(({ other }) => distinct(other) === RECORDS),
      because: {
        en: `${each(({ other }) => `${other.length}`)} of ${RECORDS}`,
        ko: `${RECORDS}개 가운데 ${each(({ other }) => `${other.length}`)}`,
      },
    },
    {
      text: {
        en: 'Members beyond the number of partitions have nothing to do',
        ko: '파티션 수를 넘는 멤버는 할 일이 없다',
      },
      holds: runs.every((run) => idle(run) === 6 - PARTITIONS),
      because: {
        en: `${each((run) => `${idle(run)}`)} of 6 members read nothing of ${PARTITIONS} partitions`,
        ko: `파티션 ${PARTITIONS}개에 멤버 6명, 아무것도 읽지 않은 멤버 ${each((run) => `${idle(run)}`)}`,
      },
    },
    {
      text: {
        en: 'With a key the steps of an order are read in their order, by several consumers at once',
        ko: '키가 있으면 여러 컨슈머가 동시에 읽어도 한 주문의 단계는 순서대로 읽힌다',
      },
      holds: outOfOrder('together').every((orders) => orders === 0),
      because: toldOf(outOfOrder('together')),
    },
    {
      text: {
        en: 'Without a key they are not, even for a single consumer',
        ko: '키가 없으면 컨슈머가 하나여도 순서가 지켜지지 않는다',
      },
      holds: outOfOrder('mixed').every((orders) => orders > KEYS / 10),
      because: toldOf(outOfOrder('mixed')),
    },
  ]
}

function toldOf(orders: readonly number[]): Text {
  return {
    en: `${orders.join('; ')} of ${KEYS} orders out of order`,
    ko: `주문 ${KEYS}건 가운데 ${orders.join('; ')}건이 뒤바뀌었다`,
  }
}

export function figuresOf(runs: readonly Run[]): Figure[] {
  const bar = (en: string, ko: string, value: (run: Run) => number): Bar => ({
    side: { en, ko },
    values: runs.map(value),
  })
  // Who of the six gets a partition is chance; so they are compared by how much they got.
  const places = Array.from({ length: 6 }, (_, place) =>
    bar(`group of six, place ${place + 1}`, `여섯 명 그룹, ${place + 1}위`, ({ six }) => byWork(six)[place] ?? 0),
  )
  return [
    {
      title: {
        en: 'Records read by each member, those of the six by how many they read',
        ko: '멤버마다 읽은 레코드(여섯 명은 많이 읽은 차례로)',
      },
      unit: { en: 'records', ko: '레코드' },
      bars: [
        bar('group a, member 1', '그룹 a, 멤버 1', ({ first }) => first.length),
        bar('group a, member 2', '그룹 a, 멤버 2', ({ second }) => second.length),
        bar('group b, alone', '그룹 b, 혼자', ({ other }) => other.length),
        ...places,
      ],
    },
    {
      title: { en: 'Orders whose steps were read out of order', ko: '단계가 뒤바뀌어 읽힌 주문' },
      unit: { en: `of ${KEYS}`, ko: `${KEYS}건 중` },
      bars: [
        bar('with a key', '키 있음', ({ together }) => ordersOutOfStep(together)),
        bar('without', '키 없음', ({ mixed }) => ordersOutOfStep(mixed)),
      ],
    },
  ]
}

function idle({ six }: Run): number {
  return six.filter((read) => read.length === 0).length
}

/** How many records each has read, the most first. */
function byWork(members: Run['six']): number[] {
  return members.map((read) => read.length).toSorted((one, other) => other - one)
}
