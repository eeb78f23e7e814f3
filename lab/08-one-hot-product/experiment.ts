import { Database } from '@timesale/postgres/database'
import { median, shown } from '../framework/chart.ts'
import type { Bench, Claim, Experiment, Outcome, Text } from '../framework/experiment.ts'
import { startServers } from '../framework/servers.ts'
import { sellLastUnit, type Course } from './last-unit.ts'
import { RedisLock, type RedisLockOptions } from './redis-lock.ts'
import { crowd, sellByBatch, sellByGuard, sellLocked, sellUnlocked, type Sell } from './sellers.ts'
import { makeTables, readBooks, restock } from './shelf.ts'

const BUYERS = 64
const CONNECTIONS = 16
/** Sold out at the beginning of each sample: nobody may be told of more, and all is warm afterwards. */
const FEW = 200
/** More than anybody sells in a sample. */
const PLENTY = 1_000_000
const SAMPLE_MS = 2_000
const WARM_UP_MS = 500
// No sale takes nearly as long, so this lock is never lost. What happens when it is, the second part shows.
const LONG_LEASE_MS = 5_000
// What two cores with other work on them leave of a difference.
const BATCH_IS_FASTER = 5

type Name = 'askedAgain' | 'woken' | 'guarded' | 'batch'

const NAMES: Readonly<Record<Name, Text>> = {
  askedAgain: { en: 'lock, asked for every 1 to 5 ms', ko: '락, 1~5ms마다 다시 시도' },
  woken: { en: 'lock, woken by its release', ko: '락, 해제될 때 깨움' },
  guarded: { en: 'guarded UPDATE', ko: '조건부 UPDATE' },
  batch: { en: 'one transaction for many', ko: '여러 건을 한 트랜잭션에' },
}

interface Sample {
  /** Of FEW units, until everybody was told that nothing is left. */
  readonly soldOut: number
  /** Sales told of and sales counted differ, or sales and what is left are not what there was. */
  readonly wrong: number
  readonly sold: number
  readonly perSecond: number
}

const COURSES: Readonly<Record<string, Course & { readonly name: Text }>> = {
  inTime: { seller: 'locked', paused: false, name: { en: 'lock, nobody paused', ko: '락, 멈춤 없음' } },
  late: { seller: 'locked', paused: true, name: { en: 'lock, holder paused', ko: '락, 잡은 쪽이 멈춤' } },
  fenced: { seller: 'fenced', paused: true, name: { en: 'the same, fencing token', ko: '같은 상황, 펜싱 토큰' } },
  between: {
    ...{ seller: 'fenced', paused: true, between: true },
    name: { en: 'the same, back before the other wrote', ko: '같은 상황, 상대가 쓰기 전에 재개' },
  },
  guarded: { seller: 'guarded', paused: true, name: { en: 'guarded UPDATE, paused', ko: '조건부 UPDATE, 멈춤' } },
}

export const experiment: Experiment = {
  question: {
    en: 'Everybody wants one product: a lock in Redis, a guarded UPDATE or a batch, and what if the holder of the lock is paused?',
    ko: '모두가 한 상품을 살 때: Redis 락, 조건부 UPDATE, 배치 가운데 무엇이며, 락을 잡은 프로세스가 멈추면 어떻게 되는가?',
  },
  async run(bench): Promise<Outcome> {
    bench.say('starting PostgreSQL and Redis')
    await using servers = await startServers({ postgres: true, redis: true })
    await using db = new Database({ url: servers.postgresUrl, poolSize: CONNECTIONS, applicationName: 'lab' })
    await makeTables(db)
    const unlocked = await sellOutUnlocked(db, bench)
    const samples = await measure(servers.redisUrl, db, bench)
    const lastUnit = new Map<string, number>()
    for (const [name, course] of Object.entries(COURSES)) {
      const sales = await sellLastUnit(servers, db, course)
      bench.say(`the last unit, ${course.name.en}: ${sales} sold`)
      lastUnit.set(name, sales)
    }
    const all = Object.values(samples).flat()
    return {
      claims: [...claimsOfCrowd(unlocked, samples), ...claimsOfLastUnit(lastUnit)],
      figures: [
        {
          title: {
            en: `Sales of one product to ${BUYERS} buyers at once`,
            ko: `동시 구매자 ${BUYERS}명에게 한 상품 판매`,
          },
          unit: 'sales/s',
          bars: names().map((name) => ({
            side: NAMES[name],
            values: samples[name].map(({ perSecond }) => perSecond),
          })),
        },
        {
          title: { en: 'How often the last unit was sold', ko: '마지막 한 개가 팔린 횟수' },
          unit: 'sales',
          bars: Object.entries(COURSES).map(([name, course]) => ({
            side: course.name,
            values: [lastUnit.get(name) ?? 0],
          })),
        },
      ],
      work: {
        'sales counted in PostgreSQL': all.reduce((sum, { soldOut, sold }) => sum + soldOut + sold, unlocked),
        'sales of the last unit': [...lastUnit.values()].reduce((sum, sales) => sum + sales, 0),
      },
    }
  },
}

type Samples = Readonly<Record<Name, Sample[]>>

function names(): Name[] {
  return Object.keys(NAMES) as Name[]
}

/** What becomes of it with nothing around reading and writing: the check must be able to see overselling. */
async function sellOutUnlocked(db: Database, { say }: Bench): Promise<number> {
  await restock(db, FEW)
  // Writes go back as well as forth: without an end it may take for ever.
  await crowd(sellUnlocked(db), BUYERS, (sold) => sold >= 3 * FEW)
  const { sold, left } = await readBooks(db)
  say(`read, then write, with no lock: ${sold} sold of ${FEW}, and ${left} left`)
  return sold
}

async function measure(redisUrl: string, db: Database, { say, repeats }: Bench): Promise<Samples> {
  const lock = { url: redisUrl, leaseMs: LONG_LEASE_MS }
  const sides: Readonly<Record<Name, (forMs: number) => Promise<Sample>>> = {
    askedAgain: (forMs) => sampleLock(db, { ...lock, key: 'lock:asked', waiting: 'asked-again' }, forMs),
    woken: (forMs) => sampleLock(db, { ...lock, key: 'lock:woken', waiting: 'woken' }, forMs),
    guarded: (forMs) => sample(db, sellByGuard(db), forMs),
    batch: (forMs) => sample(db, sellByBatch(db), forMs),
  }
  for (const name of names()) await sides[name](WARM_UP_MS)
  const samples: Samples = { askedAgain: [], woken: [], guarded: [], batch: [] }
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    for (const name of names()) samples[name].push(await sides[name](SAMPLE_MS))
    const rates = names().map((name) => `${NAMES[name].en} ${shown(samples[name][repeat]?.perSecond ?? 0)}`)
    say(`sales/s: ${rates.join('; ')}`)
  }
  return samples
}

async function sampleLock(db: Database, options: RedisLockOptions, forMs: number): Promise<Sample> {
  await using lock = await RedisLock.open(options)
  return await sample(db, sellLocked(db, lock), forMs)
}

async function sample(db: Database, sell: Sell, forMs: number): Promise<Sample> {
  await restock(db, FEW)
  await crowd(sell, BUYERS, (sold) => sold > 3 * FEW)
  const { sold: soldOut, left: rest } = await readBooks(db)

  await restock(db, PLENTY)
  const began = performance.now()
  const told = await crowd(sell, BUYERS, () => performance.now() - began > forMs)
  const seconds = (performance.now() - began) / 1000
  const { sold, left } = await readBooks(db)
  const wrong = Math.abs(rest) + Math.abs(sold - told) + Math.abs(PLENTY - left - sold)
  return { soldOut, wrong, sold, perSecond: sold / seconds }
}

function claimsOfCrowd(unlocked: number, samples: Samples): Claim[] {
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

function claimsOfLastUnit(lastUnit: ReadonlyMap<string, number>): Claim[] {
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
