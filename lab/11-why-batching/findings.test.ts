import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertOneFails, failing } from '../framework/failing-claims.ts'
import { claimsOfReads, claimsOfSends } from './findings.ts'
import { READ_BYTES, type LargeRead, type Reads } from './reading.ts'
import type { Sends } from './sending.ts'
import type { SendSample } from './sends.ts'

const sample = (perSecond: number, msPerSend = 1): SendSample[] => [{ records: 1_000, perSecond, msPerSend }]
const SENDS: Sends = {
  ...{ 1: sample(670, 1.5), 10: sample(6_100, 1.6), 100: sample(48_000, 2.1) },
  ...{ 1_000: sample(280_000, 3.5), 5_000: sample(680_000, 7.3) },
}

const read = (megabytesPerSecond: number, diskBytes: number | undefined): LargeRead[] => [
  { records: 393_216, bytes: READ_BYTES, megabytesPerSecond, diskBytes },
]
const READS: Reads = {
  ...{ newest: read(550, 0), oldest: read(520, READ_BYTES), besideOldest: read(200, READ_BYTES) },
  beside: { alone: sample(82_000), newest: sample(69_000), oldest: sample(53_000) },
  ...{ dropped: true, written: 1_311_300 },
}

test('what was seen holds', () => {
  assert.deepEqual(failing([...claimsOfSends(SENDS), ...claimsOfReads(READS)]), [])
})

test('each claim of sends fails by what speaks against it', () => {
  const bad: [what: string, claim: RegExp, sends: Sends][] = [
    ['100 are not faster', /^A hundred records a send/, { ...SENDS, 1: sample(5_000, 1.5), 5_000: sample(200_000) }],
    ['a send of 100 takes long', /^For a hundred times/, { ...SENDS, 100: sample(48_000, 7) }],
    ['5,000 bring as much again', /^The first hundred/, { ...SENDS, 5_000: sample(2_400_000, 2.1) }],
  ]
  for (const [what, claim, sends] of bad) assertOneFails(what, claim, claimsOfSends(sends))
})

test('each claim of reads fails by what speaks against it', () => {
  const half = READ_BYTES / 2
  const bad: [what: string, claim: RegExp, reads: Reads][] = [
    ['the late one is slow', /^A reader at the beginning/, { ...READS, oldest: read(100, READ_BYTES) }],
    ['it reads half from memory', /^A reader at the beginning/, { ...READS, oldest: read(520, half) }],
    ['it leaves little', /^It leaves a producer/, { ...READS, beside: { ...READS.beside, oldest: sample(40_000) } }],
    ['half from memory beside it', /^It leaves a producer/, { ...READS, besideOldest: read(200, half) }],
    ['nothing from the disk beside it', /^It leaves a producer/, { ...READS, besideOldest: read(200, 0) }],
    ['the newest from the disk', /^What was written last/, { ...READS, newest: read(550, half) }],
  ]
  for (const [what, claim, reads] of bad) assertOneFails(what, claim, claimsOfReads(reads))
})

test('what could not be looked at is not reproduced, and says why', () => {
  const untold = { newest: read(550, undefined), oldest: read(520, undefined), besideOldest: read(200, undefined) }
  const unseen: [what: string, claims: number, why: RegExp, reads: Reads][] = [
    ['no GNU dd', 2, /GNU dd/, { ...READS, dropped: false }],
    ['in memory', 2, /file system in memory/, { ...READS, oldest: read(520, 0), besideOldest: read(200, 0) }],
    ['no /proc', 3, /no \/proc/, { ...READS, ...untold }],
  ]
  for (const [what, count, why, reads] of unseen) {
    const failed = claimsOfReads(reads).filter(({ holds }) => !holds)
    assert.equal(failed.length, count, what)
    for (const { because } of failed) {
      assert.match(because.en, /^could not be looked at here: /, what)
      assert.match(because.en, why, what)
    }
  }
})
