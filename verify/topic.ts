import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isOver } from '@timesale/process/child'
import { consoleConsumer, PrintedRecords, type PrintedRecord } from '@timesale/testkit/console-consumer'

const IDLE_MS = 20_000
const PIECE_BYTES = 1 << 20
const PAUSE_MS = 20

/**
 * Every record of a topic from its beginning to `ends`, in the order of each partition, read with Kafka's own console
 * consumer and in bounded memory. Rejects where not all of them came: then nothing is known of the topic.
 *
 * The consumer writes each field of each record by itself. Through a pipe a record cost us 40 us, all of it in taking
 * such crumbs; a file costs 3. It takes half a kilobyte a record and has no name, so that it goes with us.
 */
export async function readRecords(
  brokers: string,
  topic: string,
  ends: readonly number[],
  take: (record: PrintedRecord) => void,
): Promise<void> {
  if (ends.every((end) => end === 0)) return
  const file = await openNameless()
  try {
    const { file: program, args } = await consoleConsumer(brokers, topic, ['--timeout-ms', String(IDLE_MS)])
    const child = spawn(program, args, { stdio: ['ignore', file.fd, 'ignore'] })
    const gone = once(child, 'exit')
    try {
      await readUntil(
        topic,
        ends,
        piecesOf(file, () => isOver(child)),
        take,
      )
    } finally {
      // It has nothing to tidy up, and would take seconds to leave its group.
      child.kill('SIGKILL')
      await gone
    }
  } finally {
    await file.close()
  }
}

async function readUntil(
  topic: string,
  ends: readonly number[],
  pieces: AsyncIterable<string>,
  take: (record: PrintedRecord) => void,
): Promise<void> {
  const next = ends.map(() => 0)
  let left = ends.reduce((sum, end) => sum + end, 0)
  const printed = new PrintedRecords()
  for await (const piece of pieces) {
    for (const record of printed.add(piece)) {
      // What came after the look at the ends is the next verdict's.
      if (record.offset >= (ends[record.partition] ?? 0)) continue
      if (record.offset !== next[record.partition]) {
        throw new Error(`${topic}-${record.partition} goes on with ${record.offset}, not ${next[record.partition]}`)
      }
      next[record.partition] = record.offset + 1
      left -= 1
      take(record)
    }
    if (left === 0) return
  }
  throw new Error(`${topic} could not be read to its end: ${left} records did not come within ${IDLE_MS / 1000} s`)
}

/** What is written to a file, while it is being written; Latin-1, which keeps every byte. */
async function* piecesOf(file: FileHandle, isOver: () => boolean): AsyncGenerator<string> {
  const buffer = Buffer.allocUnsafe(PIECE_BYTES)
  let position = 0
  for (;;) {
    // Asked before reading: what was written until then is read.
    const over = isOver()
    const { bytesRead } = await file.read(buffer, 0, PIECE_BYTES, position)
    position += bytesRead
    if (bytesRead > 0) yield buffer.toString('latin1', 0, bytesRead)
    else if (over) return
    else await sleep(PAUSE_MS)
  }
}

async function openNameless(): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), 'timesale-verify-'))
  try {
    return await open(join(folder, 'records'), 'w+')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
