import type { Claim, Figure } from '../framework/experiment.ts'
import { ordersOutOfStep } from '../framework/steps-in-order.ts'
import { distinct, KEYS, PARTITIONS, RECORDS } from './reading.ts'

/** What each member read, in the order of its reading. */
export interface Found {
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

export function claimsOf({ first, second, together, other, six, mixed }: Found): Claim[] {
  const idle = six.filter((read) => read.length === 0).length
  const inOrder = ordersOutOfStep(together)
  const outOfOrder = ordersOutOfStep(mixed)
  return [
    {
      text: {
        en: 'Members of one group share the records: each is read by one of them, and both have work',
        ko: '한 그룹의 멤버는 레코드를 나눠 읽는다: 레코드마다 한 멤버만 읽고, 둘 다 할 일이 있다',
      },
      holds:
        first.length > 0 &&
        second.length > 0 &&
        distinct(together) === RECORDS &&
        distinct(first) + distinct(second) === RECORDS,
      because: `${first.length} and ${second.length} of ${RECORDS}`,
    },
    {
      text: { en: 'Another group reads all of them again', ko: '다른 그룹은 전부를 다시 읽는다' },
      holds: distinct(other) === RECORDS,
      because: `${other.length} of ${RECORDS}`,
    },
    {
      text: {
        en: 'Members beyond the number of partitions have nothing to do',
        ko: '파티션 수를 넘는 멤버는 할 일이 없다',
      },
      holds: idle === 6 - PARTITIONS,
      because: `${idle} of 6 members read nothing of ${PARTITIONS} partitions`,
    },
    {
      text: {
        en: 'With a key the steps of an order are read in their order, by several consumers at once',
        ko: '키가 있으면 여러 컨슈머가 동시에 읽어도 한 주문의 단계는 순서대로 읽힌다',
      },
      holds: inOrder === 0,
      because: `${inOrder} of ${KEYS} orders out of order`,
    },
    {
      text: {
        en: 'Without a key they are not, even for a single consumer',
        ko: '키가 없으면 컨슈머가 하나여도 순서가 지켜지지 않는다',
      },
      holds: outOfOrder > KEYS / 10,
      because: `${outOfOrder} of ${KEYS} orders out of order`,
    },
  ]
}

export function figuresOf({ first, second, together, other, six, mixed }: Found): Figure[] {
  return [
    {
      title: { en: 'Records read by each member', ko: '멤버마다 읽은 레코드' },
      unit: { en: 'records', ko: '레코드' },
      bars: [
        { side: { en: 'group a, member 1', ko: '그룹 a, 멤버 1' }, values: [first.length] },
        { side: { en: 'group a, member 2', ko: '그룹 a, 멤버 2' }, values: [second.length] },
        { side: { en: 'group b, alone', ko: '그룹 b, 혼자' }, values: [other.length] },
        ...six.map((read, index) => ({
          side: { en: `group of six, member ${index + 1}`, ko: `여섯 명 그룹, 멤버 ${index + 1}` },
          values: [read.length],
        })),
      ],
    },
    {
      title: { en: 'Orders whose steps were read out of order', ko: '단계가 뒤바뀌어 읽힌 주문' },
      unit: { en: `of ${KEYS}`, ko: `${KEYS}건 중` },
      bars: [
        { side: { en: 'with a key', ko: '키 있음' }, values: [ordersOutOfStep(together)] },
        { side: { en: 'without', ko: '키 없음' }, values: [ordersOutOfStep(mixed)] },
      ],
    },
  ]
}
