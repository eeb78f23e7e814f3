import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nextTraceparent, traceId } from './trace.ts'

// https://www.w3.org/TR/trace-context/#traceparent-header

test('the next hop is in the same trace under a span of its own, sampled as before', () => {
  for (const flags of ['00', '01']) {
    const next = nextTraceparent(`00-${TRACE}-${SPAN}-${flags}`)

    assert.match(next, new RegExp(`^00-${TRACE}-[0-9a-f]{16}-${flags}$`))
    assert.notEqual(next.slice(36, 52), SPAN)
  }
})

test('a hop without a trace begins one, sampled, and no two begin the same', () => {
  const [one, other] = [nextTraceparent(undefined), nextTraceparent(undefined)]

  assert.match(one, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
  assert.notEqual(traceId(one), traceId(other))
})

test('a later version of the header is continued as the version that we know', () => {
  assert.match(nextTraceparent(`01-${TRACE}-${SPAN}-01`), new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`))
})

test('a header that is not valid is not continued', () => {
  for (const [what, header] of NOT_VALID) {
    const next = nextTraceparent(header)

    assert.match(next, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/, what)
    assert.notEqual(traceId(next), TRACE, what)
    assert.notEqual(traceId(next), '0'.repeat(32), what)
  }
})

test('a header with a parent id of zeros is not valid, and not continued', () => {
  assert.notEqual(traceId(nextTraceparent(`00-${TRACE}-${'0'.repeat(16)}-01`)), TRACE)
})

test('flags that are reserved are set to zero on the way on', () => {
  assert.match(nextTraceparent(`00-${TRACE}-${SPAN}-fd`), /-01$/)
  assert.match(nextTraceparent(`00-${TRACE}-${SPAN}-fc`), /-00$/)
})

test('a log line names the trace where there is one', () => {
  assert.equal(traceId(`00-${TRACE}-${SPAN}-01`), TRACE)
  assert.equal(traceId('nonsense'), undefined)
  assert.equal(traceId(undefined), undefined)
})

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'

const NOT_VALID = [
  ['an empty header', ''],
  ['version ff', `ff-${TRACE}-${SPAN}-01`],
  ['a trace id of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
  ['capital letters', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
  ['a letter that is not hexadecimal', `00-${TRACE.slice(1)}g-${SPAN}-01`],
  ['a trace id too short', `00-${TRACE.slice(1)}-${SPAN}-01`],
  ['a parent id too long', `00-${TRACE}-${SPAN}0-01`],
  ['no flags', `00-${TRACE}-${SPAN}`],
  ['more than version 00 has', `00-${TRACE}-${SPAN}-01-more`],
  ['spaces around it', ` 00-${TRACE}-${SPAN}-01 `],
  ['a line break after it', `00-${TRACE}-${SPAN}-01\n`],
  ['two headers joined', `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`],
] as const
