import { shown } from '../framework/chart.ts'
import type { Claim, Figure, Text } from '../framework/experiment.ts'
import type { Hits, Hung, Staleness, Writing } from './drawbacks.ts'

export const TTL_MS = 2_000
/** Pages are looked at until the last old one must be gone, and then for a while. */
export const WATCH_MS = TTL_MS + 1_000
const KNOWN_ONES = 0.8
const MEMORY_FACTOR = 10

const WRITINGS: Readonly<Record<Writing, Text>> = {
  'database-only': { en: 'PostgreSQL', ko: 'PostgreSQL' },
  ttl: { en: `Redis, kept for ${TTL_MS / 1000} s`, ko: `Redis, TTL ${TTL_MS / 1000}초` },
  dropped: { en: 'the same, dropped after the write', ko: '같은 방식, 쓴 뒤에 삭제' },
  'dropped-between': { en: 'the same, and a slow reader', ko: '같은 방식, 늦은 독자' },
}

export interface Drawbacks {
  readonly hits: readonly Hits[]
  readonly staleness: Readonly<Record<Writing, Staleness>>
  readonly hung: Readonly<Record<'postgres' | 'redis', Hung>>
  readonly redisBytes: number
  readonly pageBytes: number
}

export function claimsOfDrawbacks({ hits, staleness, hung, redisBytes, pageBytes }: Drawbacks): Claim[] {
  const { ttl, dropped, 'database-only': database, 'dropped-between': between } = staleness
  const share = (perSecond: number): number => {
    const { found = 0, asked = 1 } = hits.find((one) => one.perSecond === perSecond) ?? {}
    return found / asked
  }
  return [
    {
      text: {
        en: `Kept for ${TTL_MS / 1000} s, at 10 requests/s no page is there for the next one; at 1,000 at least four in five are`,
        ko: `${TTL_MS / 1000}초만 두면 초당 10건에서는 다음 사람이 찾는 페이지가 하나도 없고, 1,000건에서는 다섯 중 넷 이상이 있다`,
      },
      holds: share(10) === 0 && share(1_000) >= KNOWN_ONES,
      because: hits.map(({ perSecond, asked, found }) => `${shown(perSecond)}/s: ${found} of ${asked}`).join(', '),
    },
    {
      text: {
        en: 'After a committed write PostgreSQL has no old page, and Redis has old ones until their time is over',
        ko: '쓰기가 커밋된 뒤 PostgreSQL에는 옛 페이지가 없고, Redis는 시간이 다할 때까지 옛 페이지를 준다',
      },
      holds: database.stale === 0 && ttl.stale > 0 && ttl.stale < ttl.asked,
      because: `PostgreSQL ${told(database)}, Redis ${told(ttl)}`,
    },
    {
      text: {
        en: 'Whoever drops the page after the write helps, unless somebody has read before it and puts the old page there after it',
        ko: '쓴 뒤에 페이지를 지우면 나아지지만, 쓰기 전에 읽은 누군가가 지운 뒤에 옛 페이지를 넣으면 소용없다',
      },
      holds: dropped.stale === 0 && between.stale > 0 && between.stale < between.asked,
      because: `dropped ${told(dropped)}, with a slow reader ${told(between)}`,
    },
    {
      text: {
        en: 'While Redis hangs every page comes from PostgreSQL, and some have waited for Redis first',
        ko: 'Redis가 멈춘 동안 모든 페이지는 PostgreSQL에서 오고, 그중 일부는 먼저 Redis를 기다린다',
      },
      holds:
        hung.redis.answered === hung.redis.offered &&
        hung.redis.withoutRedis === hung.redis.offered &&
        hung.redis.slow > 0,
      because: `${hung.redis.withoutRedis} of ${hung.redis.offered} without Redis, ${hung.redis.slow} waited; where there is no Redis ${hung.postgres.slow} took as long`,
    },
    {
      text: {
        en: `Redis takes more than ${MEMORY_FACTOR} times the memory of all pages`,
        ko: `Redis는 모든 페이지를 합친 것의 ${MEMORY_FACTOR}배가 넘는 메모리를 쓴다`,
      },
      holds: redisBytes > MEMORY_FACTOR * pageBytes,
      because: `${shown(mebibytes(redisBytes))} MiB for ${shown(mebibytes(pageBytes))} MiB`,
    },
  ]
}

export function figuresOfDrawbacks({ hits, staleness, hung, redisBytes, pageBytes }: Drawbacks): Figure[] {
  return [
    {
      title: {
        en: `Pages that were in Redis, kept for ${TTL_MS / 1000} s`,
        ko: `TTL ${TTL_MS / 1000}초일 때 Redis에 있던 페이지`,
      },
      unit: '%',
      bars: hits.map(({ perSecond, asked, found }) => ({
        side: { en: `${shown(perSecond)}/s`, ko: `초당 ${shown(perSecond)}건` },
        values: [(100 * found) / asked],
      })),
    },
    {
      title: {
        en: `Old pages in the ${WATCH_MS / 1000} s after a write`,
        ko: `쓰기 뒤 ${WATCH_MS / 1000}초 동안의 옛 페이지`,
      },
      unit: '% of those answered',
      bars: (Object.keys(WRITINGS) as Writing[]).map((writing) => ({
        side: WRITINGS[writing],
        values: [(100 * staleness[writing].stale) / staleness[writing].asked],
      })),
    },
    {
      title: { en: 'Pages that were late while Redis hung', ko: 'Redis가 멈춘 동안 늦은 페이지' },
      unit: `of ${hung.redis.offered}`,
      bars: [
        { side: { en: 'PostgreSQL', ko: 'PostgreSQL' }, values: [hung.postgres.slow] },
        { side: { en: 'Redis, asked for 50 ms', ko: 'Redis, 50ms까지 기다림' }, values: [hung.redis.slow] },
      ],
    },
    {
      title: { en: 'Memory', ko: '메모리' },
      unit: 'MiB',
      bars: [
        { side: { en: 'all pages', ko: '모든 페이지' }, values: [mebibytes(pageBytes)] },
        { side: { en: 'Redis', ko: 'Redis' }, values: [mebibytes(redisBytes)] },
      ],
    },
  ]
}

function told({ stale, asked, lastStaleMs }: Staleness): string {
  return `${stale} of ${asked}${stale === 0 ? '' : `, the last one after ${shown(lastStaleMs)} ms`}`
}

function mebibytes(bytes: number): number {
  return bytes / 1024 / 1024
}
