import { median, shown } from '../framework/chart.ts'
import { sameText, type Claim, type Figure } from '../framework/experiment.ts'
import { MEMBERS } from './crew.ts'
import type { Grown } from './growing.ts'
import type { PartitionsSample } from './sample.ts'
import { ORDERS } from './steps.ts'

export const NUMBERS = [1, 3, 6, 12, 24] as const

export interface Found {
  readonly samples: Readonly<Record<(typeof NUMBERS)[number], PartitionsSample>>
  readonly dyingMs: number
  readonly grown: Grown
}

// What two cores with other work on them leave of a difference.
const THREE_IS_FASTER = 1.8
const SIX_IS_FASTER = 3
const MORE_IS_FASTER = 1.5
// Sessions last ten seconds, and the last heartbeat is one second ago at most.
const DYING_MS = 6_000

export function claimsOf({ samples, dyingMs, grown }: Found): Claim[] {
  const each = NUMBERS.map((partitions) => ({ partitions, ...samples[partitions] }))
  const faster = (one: keyof typeof samples, other: keyof typeof samples): number =>
    median(samples[one].asking) / median(samples[other].asking)
  const rebalances = each.flatMap(({ leavingMs, joiningMs }) => [...leavingMs, ...joiningMs])
  return [
    {
      text: {
        en: 'However many partitions there are, all steps of an order are worked off, in their order',
        ko: '파티션이 몇 개든 한 주문의 단계는 빠짐없이 순서대로 처리된다',
      },
      holds: each.every(({ worked, sent }) => worked.outOfOrder === 0 && worked.steps === sent),
      because: each
        .map(
          ({ partitions, worked, sent }) =>
            `${partitions}: ${worked.steps} of ${sent} steps, ${worked.outOfOrder} of ${ORDERS} orders out of order${worked.again === 0 ? '' : `, ${worked.again} steps came twice`}`,
        )
        .join(', '),
    },
    {
      text: {
        en: `Of ${MEMBERS} consumers as many have work as there are partitions`,
        ko: `컨슈머 ${MEMBERS}개 가운데 파티션 수만큼만 일이 있다`,
      },
      holds: each.every(({ partitions, worked }) => worked.members === Math.min(partitions, MEMBERS)),
      because: each.map(({ partitions, worked }) => `${partitions}: ${worked.members}`).join(', '),
    },
    {
      text: {
        en: `Where work waits for somebody, 3 partitions do at least ${THREE_IS_FASTER} times as much as 1, and 6 at least ${SIX_IS_FASTER} times`,
        ko: `일이 무언가를 기다린다면 파티션 3개는 1개보다 ${THREE_IS_FASTER}배 이상, 6개는 ${SIX_IS_FASTER}배 이상 처리한다`,
      },
      holds: faster(3, 1) >= THREE_IS_FASTER && faster(6, 1) >= SIX_IS_FASTER,
      because: `${shown(faster(3, 1))} and ${shown(faster(6, 1))} times`,
    },
    {
      text: {
        en: `More partitions than consumers bring nothing like that: 24 do less than ${MORE_IS_FASTER} times as much as ${MEMBERS}`,
        ko: `컨슈머보다 많은 파티션은 그런 이득이 없다: 24개는 ${MEMBERS}개의 ${MORE_IS_FASTER}배가 안 된다`,
      },
      holds: faster(24, 6) < MORE_IS_FASTER,
      because: `${shown(faster(24, 6))} times`,
    },
    {
      text: {
        en: `When somebody comes or goes, all partitions are mostly read again in half the time that it takes when somebody dies, or less`,
        ko: '컨슈머가 들어오거나 나가면, 대개 죽었을 때 걸리는 시간의 절반 안에 모든 파티션이 다시 읽힌다',
      },
      holds: median(rebalances) < dyingMs / 2,
      because: `${rebalances.length} times ${shown(Math.min(...rebalances))} to ${shown(Math.max(...rebalances))} ms, half of them within ${shown(median(rebalances))}; dead ${shown(dyingMs)} ms`,
    },
    {
      text: {
        en: `A dead one is waited for until its session is over: more than ${DYING_MS / 1000} s`,
        ko: `죽은 컨슈머는 세션이 끝날 때까지 기다린다: ${DYING_MS / 1000}초가 넘는다`,
      },
      holds: dyingMs > DYING_MS,
      because: `${shown(dyingMs)} ms`,
    },
    {
      text: {
        en: 'Added later, partitions break the order of all keys that move to them',
        ko: '나중에 늘린 파티션은 그리로 옮겨 가는 모든 키의 순서를 깬다',
      },
      holds: grown.moved > 0 && grown.worked.outOfOrder === grown.moved,
      because: `${grown.worked.outOfOrder} of ${ORDERS} orders out of order, and ${grown.moved} have moved`,
    },
  ]
}

export function figuresOf({ samples, dyingMs, grown }: Found): Figure[] {
  const bars = (what: 'asking' | 'committing' | 'written' | 'leavingMs' | 'joiningMs'): Figure['bars'] =>
    NUMBERS.map((partitions) => ({
      side: { en: `${partitions} ${partitions === 1 ? 'partition' : 'partitions'}`, ko: `파티션 ${partitions}개` },
      values: samples[partitions][what],
    }))
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
      bars: bars('written'),
    },
    {
      title: {
        en: 'From leaving until all partitions are read again',
        ko: '하나가 나가고 모든 파티션이 다시 읽히기까지',
      },
      unit: sameText('ms'),
      bars: [
        ...bars('leavingMs'),
        { side: { en: '6 partitions, killed', ko: '파티션 6개, 강제 종료' }, values: [dyingMs] },
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
