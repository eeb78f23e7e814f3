import { randomBytes } from 'node:crypto'

// Version ff and ids of zeros are not valid. Without groups, which cost more than all the rest: it is read for each fact.
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/
const TRACE_ID = [3, 35] as const
const FLAGS_AT = 53

/**
 * The trace context of the next hop: same trace, a span id of its own; a new trace where the header is absent or not
 * valid. W3C Trace Context, `traceparent`.
 */
export function nextTraceparent(header: string | undefined): string {
  if (header === undefined || !TRACEPARENT.test(header)) return `00-${randomHex(32)}-${randomHex(16)}-01`
  // Of the flags only `sampled` is defined; the others are not passed on.
  const sampled = Number.parseInt(header.slice(FLAGS_AT), 16) & 1
  return `00-${header.slice(...TRACE_ID)}-${randomHex(16)}-0${sampled}`
}

// Asking for random bytes costs a microsecond, however few they are: asked for in stock.
const STOCK_BYTES = 4_096
let stock = ''
let taken = 0

function randomHex(digits: number): string {
  if (taken + digits > stock.length) {
    stock = randomBytes(STOCK_BYTES).toString('hex')
    taken = 0
  }
  taken += digits
  return stock.slice(taken - digits, taken)
}

/** The trace id, for logs. */
export function traceId(traceparent: string | undefined): string | undefined {
  return traceparent !== undefined && TRACEPARENT.test(traceparent) ? traceparent.slice(...TRACE_ID) : undefined
}
