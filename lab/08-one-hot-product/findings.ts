import { median, shown } from '../framework/chart.ts'
import type { Claim, Figure, Text } from '../framework/experiment.ts'
import { BUYERS, FEW, NAMES, names, type Name, type Samples } from './crowd-rates.ts'
import { COURSES } from './last-unit.ts'

// What two cores with other work on them leave of a difference.
const BATCH_IS_FASTER = 5

export function claimsOfCrowd(unlocked: number, samples: Samples): Claim[] {
  const rate = (name: Name): number => median(samples[name].map(({ perSecond }) => perSecond))
  const fastestLock = Math.max(rate('askedAgain'), rate('woken'))
  // Within each round, since the machine may be another one in the next.
  const guardFactors = samples.guarded.map(({ perSecond }, round) => {
    const locks = [samples.askedAgain, samples.woken].map((lock) => lock[round]?.perSecond ?? Number.NaN)
    return perSecond / Math.max(...locks)
  })
  const guardFactor = median(guardFactors)
  const batchFactor = rate('batch') / rate('guarded')
  const all = Object.values(samples).flat()
  const counts = all.map(({ soldOut }) => soldOut)
  const wrong = all.reduce((sum, one) => sum + one.wrong, 0)
  return [
    {
      text: {
        en: 'Whoever reads and then writes with nothing around it oversells',
        ko: '아무 장치 없이 읽고 나서 쓰면 초과 판매한다',
      },
      holds: unlocked > FEW,
      because: `${unlocked} sold of ${FEW} when it was stopped`,
    },
    {
      text: {
        en: 'With a lock that is not lost, a guarded UPDATE or a batch nothing is oversold, and all is sold',
        ko: '놓치지 않은 락, 조건부 UPDATE, 배치에서는 초과 판매 없이 전부 팔린다',
      },
      holds: counts.every((count) => count === FEW) && wrong === 0,
      because: `${Math.min(...counts)} to ${Math.max(...counts)} sold of ${FEW}, ${counts.length} times; ${wrong} units unaccounted for`,
    },
    {
      text: {
        en: 'The guarded UPDATE sells more than the better of the two locks, in the middle one of the rounds',
        ko: '라운드의 중앙값에서 조건부 UPDATE는 두 락 가운데 빠른 쪽보다 많이 판다',
      },
      holds: guardFactor > 1,
      because: `${guardFactors.map(shown).join(', ')} times`,
    },
    {
      text: {
        en: `The batch sells at least ${BATCH_IS_FASTER} times as much as the guarded UPDATE`,
        ko: `배치는 조건부 UPDATE보다 ${BATCH_IS_FASTER}배 이상 판다`,
      },
      holds: batchFactor >= BATCH_IS_FASTER,
      because: `${shown(batchFactor)} times, and ${shown(rate('batch') / fastestLock)} times the better lock`,
    },
  ]
}

export function claimsOfLastUnit(lastUnit: ReadonlyMap<string, number>): Claim[] {
  const claim = (text: Text, expected: Readonly<Record<string, number>>): Claim => ({
    text,
    holds: Object.entries(expected).every(([name, sales]) => lastUnit.get(name) === sales),
    because: Object.keys(expected)
      .map((name) => `${COURSES[name]?.name.en}: ${lastUnit.get(name)} of 1 sold`)
      .join(', '),
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

export function figuresOf(samples: Samples, lastUnit: ReadonlyMap<string, number>): Figure[] {
  return [
    {
      title: { en: `Sales of one product to ${BUYERS} buyers at once`, ko: `동시 구매자 ${BUYERS}명에게 한 상품 판매` },
      unit: { en: 'sales/s', ko: '건/초' },
      bars: names().map((name) => ({ side: NAMES[name], values: samples[name].map(({ perSecond }) => perSecond) })),
    },
    {
      title: { en: 'How often the last unit was sold', ko: '마지막 한 개가 팔린 횟수' },
      unit: { en: 'sales', ko: '번' },
      bars: Object.entries(COURSES).map(([name, course]) => ({
        side: course.name,
        values: [lastUnit.get(name) ?? 0],
      })),
    },
  ]
}
