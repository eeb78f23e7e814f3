import { median, shown } from '../framework/chart.ts'
import { inBoth, type Claim, type Figure, type Language, type Text } from '../framework/experiment.ts'
import type { Costs } from './costs.ts'
import { COURSES, UNDER_WAY, UNITS, WRITTEN, type Course, type Courses } from './forgetting.ts'
import { offeredPerSecond } from './rush.ts'
import { allOf, BUYERS_OF, RUSHES, ways, WAYS, type Rush, type Sample, type Samples, type Way } from './rushes.ts'

// What two cores with other work on them leave of a difference.
const NO_ROW_LEAVES = 0.25
const BATCH_LEAVES = 0.25
const SPARES_NOTHING = 0.8
// One by one, a SELECT before makes two statements of one; Redis before, of these two, leaves one.
const SELECT_MAKES = 1.5
const REDIS_LEAVES = 0.75
const NEARLY_ALL = 0.9

const NAMES: Readonly<Record<Rush, Text>> = {
  soldOut: { en: 'Sold out', ko: '품절 뒤' },
  plenty: { en: 'Not sold out', ko: '품절 전' },
}

const PER_1000: Text = { en: 'for 1,000 requests', ko: '요청 1,000건당' }

const CPU: readonly (keyof Costs)[] = ['postgresUs', 'redisUs', 'ownUs']

export function claimsOfRushes(samples: Samples): Claim[] {
  const per1000 = (way: Way, rush: Rush, what: keyof Costs): number =>
    median(samples[way][rush].map((sample) => 1000 * perRequest(sample, what)))
  const writes = (way: Way, rush: Rush): number => per1000(way, rush, 'transactions')
  const log = (way: Way, rush: Rush): number => per1000(way, rush, 'logBytes') / 1024
  const compared = (one: number, other: number): Text => ({
    en: `${shown(one)} against ${shown(other)}`,
    ko: `${shown(one)} 대 ${shown(other)}`,
  })
  const wrong = allOf(samples).reduce((sum, sample) => sum + sample.wrong, 0)
  const statements = (way: Way, rush: Rush): number => per1000(way, rush, 'statements')
  const lookups = (way: Way, rush: Rush): number => per1000(way, rush, 'lookups')
  const before = (select: number, redis: number, plain: number): Text => ({
    en: `for 1,000 requests a SELECT before ${shown(select)}, Redis before ${shown(redis)}, neither ${shown(plain)}`,
    ko: `요청 1,000건당 먼저 SELECT ${shown(select)}, 먼저 Redis ${shown(redis)}, 둘 다 없음 ${shown(plain)}`,
  })
  const logs = (rush: Rush): Text => before(log('batchSelect', rush), log('batchLook', rush), log('batch', rush))
  return [
    {
      text: {
        en: 'As long as Redis forgets nothing, all seven ways sell what there is, to those who are told so, and no more',
        ko: 'Redis가 아무것도 잊지 않는 한 일곱 방법 모두 있는 만큼만, 팔렸다고 답한 사람에게만 판다',
      },
      holds: allOf(samples).length > 0 && wrong === 0,
      because: {
        en: `${allOf(samples).length} rushes, ${wrong} sales wrong`,
        ko: `${allOf(samples).length}번의 러시, 잘못된 판매 ${wrong}건`,
      },
    },
    {
      text: {
        en: `Sold out, with a transaction for each order: to leave no row of those who are turned away leaves at most ${NO_ROW_LEAVES} of the transactions that write, with a SELECT before as with Redis before`,
        ko: `품절 뒤, 주문마다 트랜잭션: 거절하는 주문의 행을 남기지 않으면 먼저 SELECT하든 먼저 Redis를 보든 쓰기 트랜잭션이 ${NO_ROW_LEAVES}배 이하로 준다`,
      },
      holds:
        writes('single', 'soldOut') > 0 &&
        writes('singleSelect', 'soldOut') <= NO_ROW_LEAVES * writes('single', 'soldOut') &&
        writes('singleLook', 'soldOut') <= NO_ROW_LEAVES * writes('single', 'soldOut'),
      because: before(writes('singleSelect', 'soldOut'), writes('singleLook', 'soldOut'), writes('single', 'soldOut')),
    },
    {
      text: {
        en: `Sold out, one by one: Redis before spares PostgreSQL, which has the count itself, no statement that a SELECT before does not: at least ${NEARLY_ALL} of those are left, and each request is looked up in Redis besides`,
        ko: `품절 뒤, 한 건씩: 수량을 PostgreSQL이 직접 알면 먼저 Redis를 봐도 먼저 SELECT할 때보다 SQL문이 줄지 않는다: ${NEARLY_ALL}배 이상이 남고, 요청마다 Redis 조회가 더해진다`,
      },
      holds:
        statements('singleSelect', 'soldOut') > 0 &&
        statements('singleLook', 'soldOut') >= NEARLY_ALL * statements('singleSelect', 'soldOut') &&
        lookups('singleLook', 'soldOut') >= 1000 * NEARLY_ALL,
      because: {
        en: `for 1,000 requests ${compared(statements('singleLook', 'soldOut'), statements('singleSelect', 'soldOut')).en} statements, and ${shown(lookups('singleLook', 'soldOut'))} keys looked up`,
        ko: `요청 1,000건당 SQL문 ${compared(statements('singleLook', 'soldOut'), statements('singleSelect', 'soldOut')).ko}, 조회한 키 ${shown(lookups('singleLook', 'soldOut'))}개`,
      },
    },
    {
      text: {
        en: `Batches leave at most ${BATCH_LEAVES} of the transactions that write, sold out or not, with all their rows`,
        ko: `배치는 행을 다 남기고도 품절 전이든 뒤든 쓰기 트랜잭션을 ${BATCH_LEAVES}배 이하로 줄인다`,
      },
      holds: rushes().every(
        (rush) => writes('single', rush) > 0 && writes('batch', rush) <= BATCH_LEAVES * writes('single', rush),
      ),
      because: inBoth((language) =>
        rushes()
          .map(
            (rush) => `${NAMES[rush][language]} ${compared(writes('batch', rush), writes('single', rush))[language]}`,
          )
          .join('; '),
      ),
    },
    {
      text: {
        en: `Sold out, in batches: without a row of those who are turned away at most ${NO_ROW_LEAVES} of PostgreSQL's log is left, with a SELECT before as with Redis before`,
        ko: `품절 뒤, 배치: 거절하는 주문의 행을 남기지 않으면 먼저 SELECT하든 먼저 Redis를 보든 PostgreSQL WAL이 ${NO_ROW_LEAVES}배 이하로 준다`,
      },
      holds:
        log('batch', 'soldOut') > 0 &&
        log('batchSelect', 'soldOut') <= NO_ROW_LEAVES * log('batch', 'soldOut') &&
        log('batchLook', 'soldOut') <= NO_ROW_LEAVES * log('batch', 'soldOut'),
      because: inBoth((language) => `${logs('soldOut')[language]} KiB`),
    },
    {
      text: {
        en: `Not sold out, in batches: either spares next to nothing, at least ${SPARES_NOTHING} of the log is left, and with Redis before each request is looked up all the same`,
        ko: `품절 전, 배치: 어느 쪽도 아끼는 것이 거의 없어 WAL이 ${SPARES_NOTHING}배 이상 남고, 먼저 Redis를 보면 조회 비용은 요청마다 그대로 든다`,
      },
      holds:
        log('batch', 'plenty') > 0 &&
        log('batchSelect', 'plenty') >= SPARES_NOTHING * log('batch', 'plenty') &&
        log('batchLook', 'plenty') >= SPARES_NOTHING * log('batch', 'plenty') &&
        lookups('batchLook', 'plenty') >= 1000 * NEARLY_ALL,
      because: {
        en: `${logs('plenty').en} KiB, and ${shown(lookups('batchLook', 'plenty'))} keys looked up`,
        ko: `${logs('plenty').ko} KiB, 조회한 키 ${shown(lookups('batchLook', 'plenty'))}개`,
      },
    },
    {
      text: {
        en: `Not sold out, one by one: a SELECT before makes at least ${SELECT_MAKES} times the statements, and Redis before spares that SELECT: at most ${REDIS_LEAVES} of them are left`,
        ko: `품절 전, 한 건씩: 먼저 SELECT하면 보내는 SQL문이 ${SELECT_MAKES}배 이상으로 늘고, 먼저 Redis를 보면 그 SELECT가 없어 그 ${REDIS_LEAVES}배 이하다`,
      },
      holds:
        statements('single', 'plenty') > 0 &&
        statements('singleSelect', 'plenty') >= SELECT_MAKES * statements('single', 'plenty') &&
        statements('singleLook', 'plenty') <= REDIS_LEAVES * statements('singleSelect', 'plenty'),
      because: before(
        statements('singleSelect', 'plenty'),
        statements('singleLook', 'plenty'),
        statements('single', 'plenty'),
      ),
    },
  ]
}

export function figuresOfRushes(samples: Samples): Figure[] {
  const isTold = allOf(samples).some(({ costs }) => costs.postgresUs > 0)
  return rushes().flatMap((rush) => {
    const figure = (title: Text, unit: Text, value: (sample: Sample) => number): Figure => ({
      title: { en: `${NAMES[rush].en}: ${title.en}`, ko: `${NAMES[rush].ko}: ${title.ko}` },
      unit,
      bars: ways().map((way) => ({ side: WAYS[way], values: samples[way][rush].map(value) })),
    })
    const cpu = [
      figure({ en: 'CPU of PostgreSQL', ko: 'PostgreSQL의 CPU' }, { en: 'µs a request', ko: '요청당 µs' }, (sample) =>
        perRequest(sample, 'postgresUs'),
      ),
      figure(
        { en: 'CPU of PostgreSQL, Redis and the shop', ko: 'PostgreSQL, Redis, 쇼핑몰의 CPU' },
        { en: 'µs a request', ko: '요청당 µs' },
        (sample) => CPU.reduce((sum, what) => sum + perRequest(sample, what), 0),
      ),
    ]
    const offered = shown(offeredPerSecond(BUYERS_OF[rush]))
    return [
      figure({ en: 'transactions that wrote', ko: '쓰기 트랜잭션' }, PER_1000, (sample) => {
        return 1000 * perRequest(sample, 'transactions')
      }),
      figure({ en: 'statements sent to PostgreSQL', ko: 'PostgreSQL에 보낸 SQL문' }, PER_1000, (sample) => {
        return 1000 * perRequest(sample, 'statements')
      }),
      ...(isTold ? cpu : []),
      figure(
        {
          en: `answered, of ${offered} that came`,
          ko: `초당 ${offered}건 가운데 답한 요청`,
        },
        { en: 'requests/s', ko: '건/초' },
        ({ requests, seconds }) => requests / seconds,
      ),
    ]
  })
}

function perRequest({ costs, requests }: Sample, what: keyof Costs): number {
  return costs[what] / requests
}

function rushes(): Rush[] {
  return Object.keys(RUSHES) as Rush[]
}

export function claimsOfForgetting(courses: Courses): Claim[] {
  const told = (language: Language, course: Course): string => {
    const sold = courses[course].map((one) => shown(one.sold)).join(', ')
    return `${COURSES[course][language]}: ${sold}`
  }
  const hinted = [...courses.hintsFlushed, ...courses.hintsGone]
  const times = sum(hinted.map((one) => one.times))
  const whileSelling = sum(hinted.map((one) => one.whileSelling))
  const isBeyond = (course: Course, units: number): boolean =>
    courses[course].every(({ sold, times }) => times === 1 && sold - UNITS >= NEARLY_ALL * units)
  return [
    {
      text: {
        en: 'Where PostgreSQL decides, Redis may forget everything again and again while units are sold, or be killed: what there is is sold, and no more',
        ko: 'PostgreSQL이 결정하면 파는 동안 Redis가 거듭 다 잊거나 강제 종료되어도 있는 만큼만 팔린다',
      },
      holds:
        hinted.every(({ sold, wrong, times }) => sold === UNITS && wrong === 0 && times > 0) &&
        courses.hintsFlushed.every(({ whileSelling }) => whileSelling > 0),
      because: {
        en: `of ${shown(UNITS)} sold ${told('en', 'hintsFlushed')}; ${told('en', 'hintsGone')}; Redis forgot ${times} times, ${whileSelling} of them before the last unit went`,
        ko: `${shown(UNITS)}개 가운데 팔린 것 ${told('ko', 'hintsFlushed')}; ${told('ko', 'hintsGone')}; Redis가 잊은 것은 ${times}번, 그중 마지막 한 개가 팔리기 전이 ${whileSelling}번`,
      },
    },
    {
      text: {
        en: `Where Redis decides, one FLUSHALL sells a second time what was sold before it: at least ${NEARLY_ALL} of that, where the counter begins again with what was put on sale`,
        ko: `Redis가 결정하면 FLUSHALL 한 번에 그 전에 판 것을 다시 판다: 처음 수량으로 복구하면 그 ${NEARLY_ALL} 이상`,
      },
      holds: isBeyond('counterFromSale', WRITTEN + UNDER_WAY),
      because: {
        en: `of ${shown(UNITS)} sold ${told('en', 'counterFromSale')}; before it ${WRITTEN + UNDER_WAY}`,
        ko: `${shown(UNITS)}개 가운데 팔린 것 ${told('ko', 'counterFromSale')}; 그 전에 팔린 것 ${WRITTEN + UNDER_WAY}`,
      },
    },
    {
      text: {
        en: 'To count the rows first does not save it: what Redis had decided, and PostgreSQL had not written yet, is sold twice',
        ko: '행을 세어 복구해도 소용없다: Redis가 결정했지만 PostgreSQL에 아직 쓰지 않은 것은 두 번 팔린다',
      },
      holds: isBeyond('counterFromRows', UNDER_WAY),
      because: {
        en: `of ${shown(UNITS)} sold ${told('en', 'counterFromRows')}; under way ${UNDER_WAY}`,
        ko: `${shown(UNITS)}개 가운데 팔린 것 ${told('ko', 'counterFromRows')}; 아직 쓰지 않은 것 ${UNDER_WAY}`,
      },
    },
  ]
}

export function figureOfForgetting(courses: Courses): Figure {
  return {
    title: {
      en: `Sold of ${shown(UNITS)} when Redis forgot`,
      ko: `Redis가 잊었을 때 ${shown(UNITS)}개 가운데 팔린 수`,
    },
    unit: { en: 'sales', ko: '개' },
    bars: (Object.keys(COURSES) as Course[]).map((course) => ({
      side: COURSES[course],
      values: courses[course].map(({ sold }) => sold),
    })),
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0)
}
