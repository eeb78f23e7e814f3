import { open, writeFile } from 'node:fs/promises'
import { inspect } from 'node:util'
import { runAndExplain, WrongUsage } from '@timesale/local/commands/command-line'
import { plainTable } from '@timesale/local/commands/plain-table'
import { cleanUpOnSignals } from './cleanup.ts'
import { measureAccept } from './figures/accept.ts'
import { FIGURES, sidesOf, type Figure } from './figures/catalogue.ts'
import { measureGateway, measureStorefront } from './figures/front.ts'
import { measureRelay } from './figures/relay.ts'
import { measureStock } from './figures/stock.ts'
import { measurePipeline } from './figures/pipeline.ts'
import { measureShopStart } from './figures/shop-start.ts'
import type { Progress, Samples } from './measure.ts'
import { readOptions, type BenchOptions } from './options.ts'
import { failedRow, RESULT_HEAD, resultOf, resultRow, shown, type CpuAnOrder, type Result } from './report.ts'
import { median } from './statistics.ts'

// A program that has just started is still being compiled: after one second accept-64 took 53 us an order in the service, later
// 40.
const WARM_UP_MS = 3_000

const usage = `npm run bench [-- NAMES] [OPTIONS]

Measures how fast the shop is, each figure against a limit that is measured beside it in turns. Servers are started for it and
stopped again; a shop that runs meanwhile is not touched, and takes from what is measured.

  NAMES          only these figures; without names all of them, which takes about a quarter of an hour
  --list         the figures, what they are held against, and what they are to reach
  --json FILE    also writes an array of {name, value, unit, against, ratio, reach, better, reached, rounds}
  --rounds N     samples of each side, of which the median counts; 3 by default
  --seconds N    length of the load of pipeline; 30 by default
  --sample-ms N  length of a sample of requests, after three seconds of warm-up; 2000 by default
  --help         this text

After each sample the rows in the databases and the records on the topics are counted. Exit code 1 when a sample did not do
its work. A reach that is missed is shown and is no error: on a busy machine figures differ by ten in a hundred and more.`

/** What stock and the relay work off in one sample. */
const ORDERS = 200_000

await runAndExplain(usage, async () => {
  const options = readOptions(process.argv.slice(2))
  if (options.help) console.log(usage)
  else if (options.list) console.log(listOfFigures())
  else return await bench(options)
  return 0
})

/** The exit code. */
async function bench(options: BenchOptions): Promise<number> {
  if (options.json !== undefined) await checkWritable(options.json)
  const started = performance.now()
  const say = (text: string): void => console.error(`${clock(started)}  ${text}`)
  cleanUpOnSignals(say)
  const figures = FIGURES.filter(({ name }) => options.names.includes(name))
  const failures: string[] = []
  const progress: Progress = {
    say: (text) => say(`  ${text}`),
    sampled: (side, round, value, soFar) =>
      say(`${side}, round ${round} of ${options.rounds}: ${shown(value)}; median so far ${shown(median(soFar))}`),
    failed: (what, error) => {
      failures.push(what)
      say(`${what} FAILED: ${inspect(error)}`)
    },
  }
  const { samples, cpu } = await measureAll(sidesOf(figures), options, progress)
  const results = new Map<string, Result>()
  for (const figure of figures) {
    const result = resultOf(figure, samples, figure.name === 'pipeline' ? cpu : undefined)
    if (result !== undefined) results.set(figure.name, result)
  }
  console.log(tableOf(figures, results))
  if (cpu !== undefined) console.log(tableOfCpu(cpu))
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify([...results.values()], null, 2)}\n`)
  say(failures.length === 0 ? 'done' : `failed: ${failures.join(', ')}`)
  return failures.length === 0 ? 0 : 1
}

// Before a quarter of an hour is spent on what could not be kept.
async function checkWritable(file: string): Promise<void> {
  try {
    await (await open(file, 'a')).close()
  } catch (error) {
    throw new WrongUsage(`Option '--json' must be a file that can be written: ${(error as Error).message}`)
  }
}

async function measureAll(
  sides: ReadonlySet<string>,
  { rounds, seconds, sampleMs }: BenchOptions,
  progress: Progress,
): Promise<{ samples: Samples; cpu: CpuAnOrder | undefined }> {
  const samples = new Map<string, readonly number[]>()
  let cpu: CpuAnOrder | undefined
  const length = { warmUpMs: WARM_UP_MS, sampleMs }
  const has = (pattern: RegExp): boolean => [...sides].some((side) => pattern.test(side))
  // Figures that need the same servers share them. What goes wrong with some says nothing about the others.
  const take = async (pattern: RegExp, measure: () => Promise<Samples>): Promise<void> => {
    if (!has(pattern)) return
    try {
      for (const [side, values] of await measure()) samples.set(side, values)
    } catch (error) {
      progress.failed(`all of ${pattern.source}`, error)
    }
  }
  await take(/^(accept|bare|one-by-one)-/, () => measureAccept(sides, rounds, length, progress))
  await take(/^(gateway|proxy-64)$/, () => measureGateway(sides, rounds, length, progress))
  await take(/^(storefront-read|same-page-64)$/, () => measureStorefront(sides, rounds, length, progress))
  await take(/^(stock|guarded)-/, () => measureStock(sides, rounds, ORDERS, progress))
  await take(/^(relay|producer-performance)$/, () => measureRelay(sides, rounds, ORDERS, progress))
  await take(/^pipeline/, async () => {
    const pipeline = await measurePipeline(sides, { rounds, seconds, progress })
    cpu = pipeline.cpu
    return pipeline.samples
  })
  await take(/^(memory|warm-start|first-start)$/, () => measureShopStart(sides, rounds, progress))
  return { samples, cpu }
}

function tableOf(figures: readonly Figure[], results: ReadonlyMap<string, Result>): string {
  const rows = figures.map(({ name }) => {
    const result = results.get(name)
    return result === undefined ? failedRow(name) : resultRow(result)
  })
  return plainTable(RESULT_HEAD, rows, [1, 3, 4, 5, 6])
}

function tableOfCpu(cpu: CpuAnOrder): string {
  const parts = Object.entries(cpu).map(([part, us]) => [part, us.toFixed(1)])
  return `\n${plainTable(['CPU of pipeline', 'us an order'], parts, [1])}`
}

function listOfFigures(): string {
  return plainTable(
    ['figure', 'what', 'against', 'reach', 'better'],
    FIGURES.map((figure) => {
      const limit = 'against' in figure ? figure.against : undefined
      const unit = limit === undefined ? ` ${figure.unit}` : ''
      return [figure.name, figure.what, limit ?? '-', `${figure.reach}${unit}`, `${figure.better}${unit}`]
    }),
    [3, 4],
  )
}

function clock(started: number): string {
  const seconds = Math.round((performance.now() - started) / 1000)
  return `${String(Math.floor(seconds / 60)).padStart(2)}:${String(seconds % 60).padStart(2, '0')}`
}
