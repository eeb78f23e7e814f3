import { join } from 'node:path'
import { Database } from '@timesale/postgres/database'
import { Offsets } from '@timesale/testkit/offsets'
import { produce } from '@timesale/testkit/records'
import { startChild } from '../framework/child-program.ts'
import type { Experiment, Figure, Outcome, Text } from '../framework/experiment.ts'
import { runStatements } from '../framework/run-statements.ts'
import { startServers, type Servers } from '../framework/servers.ts'
import type { Told, Way } from './program.ts'

const TOPIC = 'sales'
const RECORDS = 3_000
/** In each run of each way. */
const KILLS = 4

const WAYS: Readonly<Record<Way, Text>> = {
  'work-then-offset': { en: 'work, then offset', ko: '처리하고 오프셋 커밋' },
  'offset-then-work': { en: 'offset, then work', ko: '오프셋 커밋하고 처리' },
  inbox: { en: 'inbox', ko: '인박스' },
}

const TABLES = `
  create table totals (
    way text, run integer, total integer not null default 0, seen_before integer not null default 0,
    primary key (way, run));
  create table inbox (run integer, record integer, primary key (run, record));
  create table counted (way text not null, run integer not null, record integer not null)`

/** What one run came to. */
interface Counted {
  readonly kills: number
  readonly total: number
  /** Records that were counted once more. */
  readonly twice: number
  /** Records that were never counted. */
  readonly skipped: number
  /** Records that came again, and that the inbox knew. */
  readonly seenBefore: number
}

export const experiment: Experiment = {
  question: {
    en: 'A consumer is killed and started again: what does it count twice, what not at all, and what has an inbox to do with it?',
    ko: '컨슈머가 죽었다 다시 뜬다: 무엇을 두 번 세고 무엇을 빠뜨리며, 인박스는 무엇을 바꾸는가?',
  },
  async run({ say, repeats }): Promise<Outcome> {
    say('starting Kafka and PostgreSQL')
    await using servers = await startServers({ kafka: 1, postgres: true })
    await runStatements(servers.postgresUrl, [TABLES])
    await servers.createTopic(TOPIC, 1)
    const values = Array.from({ length: RECORDS }, (_, record) => String(record))
    await produce(
      servers.brokers,
      values.map((value) => ({ topic: TOPIC, value })),
    )
    await using offsets = new Offsets(servers.brokers)
    await using db = new Database({ url: servers.postgresUrl, poolSize: 3, applicationName: 'lab' })
    const results: Record<Way, Counted[]> = { 'work-then-offset': [], 'offset-then-work': [], inbox: [] }
    for (let run = 1; run <= repeats; run += 1) {
      say(
        `run ${run} of ${repeats}: ${RECORDS} records counted in three ways at once, each killed ${KILLS} times and started again`,
      )
      await Promise.all(
        (Object.keys(WAYS) as Way[]).map(async (way) => {
          await db.write`insert into totals (way, run) values (${way}, ${run})`
          const kills = await countAll(servers, way, run)
          results[way].push({ kills, ...(await resultOf(db, way, run)) })
        }),
      )
    }
    const { 'work-then-offset': workFirst, 'offset-then-work': offsetFirst, inbox } = results
    const because = (runs: readonly Counted[]): Text => {
      const [killed, sums] = [sum(runs, 'kills'), runs.map(({ total }) => total).join(', ')]
      const [twice, skipped] = [sum(runs, 'twice'), sum(runs, 'skipped')]
      return {
        en: `${killed} of ${KILLS * repeats} kills, sums of ${sums} for ${RECORDS} records: ${twice} counted twice, ${skipped} never`,
        ko: `${KILLS * repeats}번 중 ${killed}번 죽임, 레코드 ${RECORDS}개의 합계 ${sums}: 두 번 센 것 ${twice}개, 빠진 것 ${skipped}개`,
      }
    }
    // A way that was not killed as often as it should has shown nothing.
    const isKilled = (runs: readonly Counted[]): boolean => sum(runs, 'kills') === KILLS * repeats
    const figure = (title: Text, what: 'twice' | 'skipped' | 'seenBefore'): Figure => ({
      ...{ title, unit: { en: `in a run of ${KILLS} kills`, ko: `${KILLS}번 죽이는 한 회당` } },
      bars: (Object.keys(WAYS) as Way[]).map((way) => ({
        side: WAYS[way],
        values: results[way].map((run) => run[what]),
      })),
    })
    return {
      claims: [
        {
          text: {
            en: 'Work, then commit the offset: some records are counted twice, none is missed',
            ko: '처리하고 오프셋을 커밋하면 두 번 세는 레코드가 있고 빠지는 것은 없다',
          },
          holds: isKilled(workFirst) && sum(workFirst, 'twice') > 0 && sum(workFirst, 'skipped') === 0,
          because: because(workFirst),
        },
        {
          text: {
            en: 'Commit the offset, then work: some records are never counted, none twice',
            ko: '오프셋을 커밋하고 처리하면 빠지는 레코드가 있고 두 번 세는 것은 없다',
          },
          holds: isKilled(offsetFirst) && sum(offsetFirst, 'skipped') > 0 && sum(offsetFirst, 'twice') === 0,
          because: because(offsetFirst),
        },
        {
          text: {
            en: 'With an inbox in the transaction of the work each record counts once, though some came again',
            ko: '같은 트랜잭션에 인박스를 두면 다시 온 레코드가 있어도 하나하나 한 번씩 센다',
          },
          holds:
            isKilled(inbox) &&
            sum(inbox, 'seenBefore') > 0 &&
            inbox.every(({ total, twice, skipped }) => total === RECORDS && twice === 0 && skipped === 0),
          because: {
            en: `${because(inbox).en}; ${sum(inbox, 'seenBefore')} came again`,
            ko: `${because(inbox).ko}; 다시 온 것 ${sum(inbox, 'seenBefore')}개`,
          },
        },
      ],
      figures: [
        figure({ en: 'Records counted twice', ko: '두 번 센 레코드' }, 'twice'),
        figure({ en: 'Records never counted', ko: '빠진 레코드' }, 'skipped'),
        figure({ en: 'Records that came again and were known', ko: '다시 왔지만 알아본 레코드' }, 'seenBefore'),
      ],
      work: [
        { what: { en: 'records on the topic', ko: '토픽에 있는 레코드' }, count: await offsets.count(TOPIC) },
        ...(Object.keys(WAYS) as Way[]).map((way) => ({
          what: { en: `counted, ${WAYS[way].en}`, ko: `센 레코드, ${WAYS[way].ko}` },
          count: sum(results[way], 'total'),
        })),
        { what: { en: 'kills', ko: '죽인 횟수' }, count: sum([workFirst, offsetFirst, inbox].flat(), 'kills') },
      ],
    }
  },
}

/** One run of one way: killed at so many random records, and started again until it has seen the last. Resolves to the kills. */
async function countAll({ brokers, postgresUrl }: Servers, way: Way, run: number): Promise<number> {
  const given = { ...{ way, run, brokers, postgresUrl }, topic: TOPIC, records: RECORDS }
  const file = join(import.meta.dirname, 'program.ts')
  let kills = 0
  for (const last of killsAt()) {
    await using program = startChild<Told>(file, given)
    await program.heard(`record ${last} is counted`, ({ offset }) => offset >= last)
    kills += (await program.kill()) ? 1 : 0
  }
  await using program = startChild<Told>(file, given)
  await program.finished()
  return kills
}

/** Anywhere in the topic, but apart, so that each life has work to do, and the last one too. */
function killsAt(): number[] {
  const apart = RECORDS / (KILLS + 1)
  return Array.from({ length: KILLS }, (_, kill) => Math.floor((kill + 0.5 + Math.random()) * apart))
}

async function resultOf(db: Database, way: Way, run: number): Promise<Omit<Counted, 'kills'>> {
  const [sums] = await db.sql<{ total: number; seen_before: number }>`
    select total, seen_before from totals where way = ${way} and run = ${run}`
  const [counted] = await db.sql<{ rows: number; different: number }>`
    select count(*)::int as rows, count(distinct record)::int as different
    from counted
    where way = ${way} and run = ${run}`
  const { total, seen_before: seenBefore } = sums ?? { total: 0, seen_before: 0 }
  const { rows, different } = counted ?? { rows: 0, different: 0 }
  // They are written in one transaction.
  if (total !== rows) throw new Error(`The total of ${way} is ${total}, of ${rows} rows`)
  return { total, twice: rows - different, skipped: RECORDS - different, seenBefore }
}

function sum(runs: readonly Counted[], what: keyof Counted): number {
  return runs.reduce((all, run) => all + run[what], 0)
}
