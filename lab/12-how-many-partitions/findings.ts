import { median, shown } from '../framework/chart.ts'
import { sameText, type Claim, type Figure, type Text } from '../framework/experiment.ts'
import { MEMBERS } from './crew.ts'
import type { Grown } from './growing.ts'
import type { PartitionsSample } from './sample.ts'
import { ORDERS } from './steps.ts'
import { NUMBERS, type PartitionCount } from './topic.ts'
import type { Written } from './writing.ts'

export interface Found {
  readonly samples: Readonly<Record<PartitionCount, PartitionsSample>>
  readonly written: Written
  /** Of each that was killed. */
  readonly dyingMs: readonly number[]
  readonly grown: Grown
}

// What two cores with other work on them leave of a difference.
const THREE_IS_FASTER = 1.8
const SIX_IS_FASTER = 3
const MORE_IS_FASTER = 1.5
const MORE_LEAVES = 0.4
// Sessions last ten seconds, and the last heartbeat is one second ago at most.
const DYING_MS = 6_000

export function claimsOf({ samples, written, dyingMs, grown }: Found): Claim[] {
  const each = NUMBERS.map((partitions) => ({ partitions, ...samples[partitions] }))
  const faster = (one: keyof typeof samples, other: keyof typeof samples): number =>
    median(samples[one].asking) / median(samples[other].asking)
  const [writtenTo1, writtenTo24] = [median(written.perSecond[1]), median(written.perSecond[24])]
  // Each number for itself: in one median of all of them it could not be seen that some take long.
  const rebalances = each.map(({ partitions, leavingMs, joiningMs }) => ({
    partitions,
    ms: [...leavingMs, ...joiningMs],
  }))
  const dead: Text = {
    en: `${dyingMs.map((ms) => shown(ms)).join(' and ')} ms`,
    ko: `${dyingMs.map((ms) => shown(ms)).join(', ')} ms`,
  }
  return [
    {
      text: {
        en: 'However many partitions there are, all steps of an order are worked off, in their order',
        ko: '파티션이 몇 개든 한 주문의 단계는 빠짐없이 순서대로 처리된다',
      },
      holds: each.every(({ worked, sent }) => worked.outOfOrder === 0 && worked.steps === sent),
      because: {
        en: each
          .map(
            ({ partitions, worked, sent }) =>
              `${partitions}: ${worked.steps} of ${sent} steps, ${worked.outOfOrder} of ${ORDERS} orders out of order${worked.again === 0 ? '' : `, ${worked.again} steps came twice`}`,
          )
          .join(', '),
        ko: each
          .map(
            ({ partitions, worked, sent }) =>
              `${partitions}개: ${sent}단계 중 ${worked.steps}단계, 주문 ${ORDERS}건 중 ${worked.outOfOrder}건 뒤바뀜${worked.again === 0 ? '' : `, 두 번 온 단계 ${worked.again}개`}`,
          )
          .join(', '),
      },
    },
    {
      text: {
        en: `Of ${MEMBERS} consumers as many have work as there are partitions`,
        ko: `컨슈머 ${MEMBERS}개 가운데 파티션 수만큼만 일이 있다`,
      },
      holds: each.every(({ partitions, worked }) => worked.members === Math.min(partitions, MEMBERS)),
      because: {
        en: each.map(({ partitions, worked }) => `${partitions}: ${worked.members}`).join(', '),
        ko: each.map(({ partitions, worked }) => `파티션 ${partitions}개: ${worked.members}`).join(', '),
      },
    },
    {
      text: {
        en: `Where work waits for somebody, 3 partitions do at least ${THREE_IS_FASTER} times as much as 1, and 6 at least ${SIX_IS_FASTER} times`,
        ko: `일이 무언가를 기다린다면 파티션 3개는 1개보다 ${THREE_IS_FASTER}배 이상, 6개는 ${SIX_IS_FASTER}배 이상 처리한다`,
      },
      holds: faster(3, 1) >= THREE_IS_FASTER && faster(6, 1) >= SIX_IS_FASTER,
      because: {
        en: `${shown(faster(3, 1))} and ${shown(faster(6, 1))} times`,
        ko: `3개 ${shown(faster(3, 1))}배, 6개 ${shown(faster(6, 1))}배`,
      },
    },
    {
      text: {
        en: `More partitions than consumers bring nothing like that: 24 do less than ${MORE_IS_FASTER} times as much as ${MEMBERS}`,
        ko: `컨슈머보다 많은 파티션은 그런 이득이 없다: 24개는 ${MEMBERS}개의 ${MORE_IS_FASTER}배가 안 된다`,
      },
      holds: faster(24, 6) < MORE_IS_FASTER,
      because: { en: `${shown(faster(24, 6))} times`, ko: `${shown(faster(24, 6))}배` },
    },
    {
      text: {
        en: `To 24 partitions a producer writes at least ${MORE_LEAVES} of what it writes to one`,
        ko: `프로듀서는 파티션 24개에 1개일 때의 ${MORE_LEAVES}배 이상을 쓴다`,
      },
      holds: writtenTo24 >= MORE_LEAVES * writtenTo1,
      because: {
        en: `${shown(writtenTo24)} against ${shown(writtenTo1)} records/s`,
        ko: `초당 레코드 ${shown(writtenTo24)} 대 ${shown(writtenTo1)}`,
      },
    },
    {
      text: {
        en: 'When somebody comes or goes, however many partitions there are, all are mostly read again in less than half the time that it takes when somebody dies',
        ko: '컨슈머가 들어오거나 나가면, 파티션이 몇 개든 대개 죽었을 때 걸리는 시간의 절반 안에 모든 파티션이 다시 읽힌다',
      },
      holds: rebalances.every(({ ms }) => median(ms) < Math.min(...dyingMs) / 2),
      because: {
        en: `${rebalances.map(({ partitions, ms }) => `${partitions}: ${shown(Math.min(...ms))} to ${shown(Math.max(...ms))} ms, median ${shown(median(ms))}`).join('; ')}; dead ${dead.en}`,
        ko: `${rebalances.map(({ partitions, ms }) => `${partitions}개: ${shown(Math.min(...ms))}~${shown(Math.max(...ms))} ms, 중앙값 ${shown(median(ms))}`).join('; ')}; 죽었을 때 ${dead.ko}`,
      },
    },
    {
      text: {
        en: `A dead one is waited for until its session is over: more than ${DYING_MS / 1000} s`,
        ko: `죽은 컨슈머는 세션이 끝날 때까지 기다린다: ${DYING_MS / 1000}초가 넘는다`,
      },
      holds: Math.min(...dyingMs) > DYING_MS,
      because: dead,
    },
    {
      text: {
        en: 'Added later, partitions break the order of all keys that move to them',
        ko: '나중에 늘린 파티션은 그리로 옮겨 가는 모든 키의 순서를 깬다',
      },
      holds: grown.moved > 0 && grown.worked.outOfOrder === grown.moved,
      because: {
        en: `${grown.worked.outOfOrder} of ${ORDERS} orders out of order, and ${grown.moved} have moved`,
        ko: `주문 ${ORDERS}건 가운데 뒤바뀐 것 ${grown.worked.outOfOrder}건, 옮겨 간 것 ${grown.moved}건`,
      },
    },
  ]
}

export function figuresOf({ samples, written, dyingMs, grown }: Found): Figure[] {
  const barsOf = (values: (partitions: PartitionCount) => readonly number[]): Figure['bars'] =>
    NUMBERS.map((partitions) => ({
      side: { en: `${partitions} ${partitions === 1 ? 'partition' : 'partitions'}`, ko: `파티션 ${partitions}개` },
      values: values(partitions),
    }))
  const bars = (what: 'asking' | 'committing' | 'leavingMs' | 'joiningMs'): Figure['bars'] =>
    barsOf((partitions) => samples[partitions][what])
  return [
    {
      title: {
        en: `Worked off by ${MEMBERS} consumers, work that waits 10 ms`,
        ko: `컨슈머 ${MEMBERS}개의 처리량, 10ms를 기다리는 일`,
      },
      unit: { en: 'records/s', ko: '레코드/초' },
      bars: bars('asking'),
    },
    {
      title: {
        en: `Worked off by ${MEMBERS} consumers, nothing but commits`,
        ko: `컨슈머 ${MEMBERS}개의 처리량, 커밋만 하는 일`,
      },
      unit: { en: 'records/s', ko: '레코드/초' },
      bars: bars('committing'),
    },
    {
      title: { en: 'Written by one producer, 1,000 a send', ko: '프로듀서 하나가 1,000개씩 쓴 레코드' },
      unit: { en: 'records/s', ko: '레코드/초' },
      bars: barsOf((partitions) => written.perSecond[partitions]),
    },
    {
      title: {
        en: 'From leaving until all partitions are read again',
        ko: '하나가 나가고 모든 파티션이 다시 읽히기까지',
      },
      unit: sameText('ms'),
      bars: [
        ...bars('leavingMs'),
        { side: { en: '6 partitions, killed', ko: '파티션 6개, 강제 종료' }, values: dyingMs },
      ],
    },
    {
      title: {
        en: 'From joining until all partitions are read again',
        ko: '하나가 들어오고 모든 파티션이 다시 읽히기까지',
      },
      unit: sameText('ms'),
      bars: bars('joiningMs'),
    },
    {
      title: { en: 'Orders whose steps were worked off out of order', ko: '단계가 뒤바뀌어 처리된 주문' },
      unit: { en: `of ${ORDERS}`, ko: `${ORDERS}건 중` },
      bars: [
        ...NUMBERS.map((partitions) => ({
          side: { en: `${partitions} from the beginning`, ko: `처음부터 ${partitions}개` },
          values: [samples[partitions].worked.outOfOrder],
        })),
        { side: { en: '3, later 6', ko: '3개에서 6개로' }, values: [grown.worked.outOfOrder] },
      ],
    },
  ]
}
