import { shown } from '../framework/chart.ts'
import type { Claim, Figure, Text } from '../framework/experiment.ts'
import { FEW, NAMES, names, type Name, type Samples } from './crowd-rates.ts'
import { COURSES, type LastUnits } from './last-unit.ts'
import { AT_ONCE, BUYERS_PER_SECOND } from './sellers.ts'

// What two cores with other work on them leave of a difference.
const BATCH_IS_FASTER = 5
// On a slow disk both wait for it alike, and for hardly anything else.
const GUARD_SELLS = 0.9

export function claimsOfCrowd(unlocked: number, samples: Samples): Claim[] {
  // All rounds together: in a single one the machine may have had something else to do for one of the ways.
  const rate = (name: Name): number => {
    return samples[name].reduce((sum, { perSecond }) => sum + perSecond, 0) / samples[name].length
  }
  const fastestLock = Math.max(rate('askedAgain'), rate('woken'))
  const guardFactor = rate('guarded') / fastestLock
  const batchFactor = rate('batch') / rate('guarded')
  const all = Object.values(samples).flat()
  const counts = all.flatMap(({ soldOut }) => soldOut ?? [])
  const wrong = all.reduce((sum, one) => sum + one.wrong, 0)
  return [
    {
      text: {
        en: 'Whoever reads and then writes with nothing around it oversells',
        ko: '아무 장치 없이 읽고 나서 쓰면 초과 판매한다',
      },
      holds: unlocked > FEW,
      because: {
        en: `${unlocked} sold of ${FEW} when it was stopped`,
        ko: `${FEW}개 가운데 ${unlocked}개를 팔았을 때 멈췄다`,
      },
    },
    {
      text: {
        en: 'With a lock that is not lost, a guarded UPDATE or a batch nothing is oversold, and all is sold',
        ko: '놓치지 않은 락, 조건부 UPDATE, 배치에서는 초과 판매 없이 전부 팔린다',
      },
      holds: counts.length > 0 && counts.every((count) => count === FEW) && wrong === 0,
      because: {
        en: `${Math.min(...counts)} to ${Math.max(...counts)} sold of ${FEW}, ${counts.length} times; ${wrong} units unaccounted for`,
        ko: `${FEW}개 가운데 팔린 것 ${Math.min(...counts)}~${Math.max(...counts)}개, ${counts.length}번; 수가 맞지 않는 것 ${wrong}개`,
      },
    },
    {
      text: {
        en: `Nothing is gained by a lock: the guarded UPDATE sells at least ${GUARD_SELLS} of what the better of the two sells, all rounds together`,
        ko: `락으로 얻는 것은 없다: 모든 라운드를 합치면 조건부 UPDATE는 두 락 가운데 빠른 쪽의 ${GUARD_SELLS}배 이상을 판다`,
      },
      holds: guardFactor >= GUARD_SELLS,
      because: {
        en: `${shown(rate('guarded'))} sales/s on average, ${shown(guardFactor)} times the better lock`,
        ko: `평균 ${shown(rate('guarded'))}건/초, 빠른 쪽 락의 ${shown(guardFactor)}배`,
      },
    },
    {
      text: {
        en: `The batch sells at least ${BATCH_IS_FASTER} times as much as the guarded UPDATE`,
        ko: `배치는 조건부 UPDATE보다 ${BATCH_IS_FASTER}배 이상 판다`,
      },
      holds: batchFactor >= BATCH_IS_FASTER,
      because: {
        en: `${shown(batchFactor)} times, and ${shown(rate('batch') / fastestLock)} times the better lock`,
        ko: `${shown(batchFactor)}배, 빠른 쪽 락의 ${shown(rate('batch') / fastestLock)}배`,
      },
    },
  ]
}

export function claimsOfLastUnit(lastUnit: LastUnits): Claim[] {
  const salesOf = (name: string): readonly number[] => lastUnit.get(name) ?? []
  const claim = (text: Text, expected: Readonly<Record<string, number>>): Claim => ({
    text,
    holds: Object.entries(expected).every(([name, expectedSales]) => {
      return salesOf(name).length > 0 && salesOf(name).every((sales) => sales === expectedSales)
    }),
    because: {
      en: Object.keys(expected)
        .map((name) => `${COURSES[name]?.name.en}: ${salesOf(name).join(', ')} of 1 sold`)
        .join('; '),
      ko: Object.keys(expected)
        .map((name) => `${COURSES[name]?.name.ko}: 한 개가 팔린 횟수 ${salesOf(name).join(', ')}`)
        .join('; '),
    },
  })
  return [
    claim(
      {
        en: 'A holder that is paused beyond its lease sells the last unit a second time, though it asked before whether the lock was its own',
        ko: '임대 시간이 지나도록 멈췄던 쪽은, 쓰기 직전에 락이 자기 것인지 확인했는데도 마지막 한 개를 또 판다',
      },
      { inTime: 1, late: 2 },
    ),
    claim(
      {
        en: 'A row that refuses smaller tokens than it has seen stops it',
        ko: '이미 본 것보다 작은 토큰을 거부하는 행이 이를 막는다',
      },
      { fenced: 1 },
    ),
    claim(
      {
        en: 'But not when it comes back after the other one has read and before it writes',
        ko: '그러나 상대가 읽은 뒤 아직 쓰기 전에 돌아오면 막지 못한다',
      },
      { between: 2 },
    ),
    claim(
      {
        en: 'A guarded UPDATE may be as late as it likes, and needs no lock',
        ko: '조건부 UPDATE는 아무리 늦어도 괜찮고, 락이 필요 없다',
      },
      { guarded: 1 },
    ),
  ]
}

export function figuresOf(samples: Samples, lastUnit: LastUnits): Figure[] {
  return [
    {
      title: {
        en: `Sales of one product: ${shown(BUYERS_PER_SECOND)} buyers a second, ${AT_ONCE} served at a time`,
        ko: `한 상품 판매: 초당 구매자 ${shown(BUYERS_PER_SECOND)}명, 한 번에 ${AT_ONCE}명씩 처리`,
      },
      unit: { en: 'sales/s', ko: '건/초' },
      bars: names().map((name) => ({ side: NAMES[name], values: samples[name].map(({ perSecond }) => perSecond) })),
    },
    {
      title: { en: 'Sales that share a transaction', ko: '한 트랜잭션에 함께 든 판매' },
      unit: { en: 'sales', ko: '건' },
      bars: names().map((name) => ({ side: NAMES[name], values: samples[name].map((one) => one.perTransaction) })),
    },
    {
      title: { en: 'How often the last unit was sold', ko: '마지막 한 개가 팔린 횟수' },
      unit: { en: 'sales', ko: '번' },
      bars: Object.entries(COURSES).map(([name, course]) => ({
        side: course.name,
        values: lastUnit.get(name) ?? [],
      })),
    },
  ]
}
