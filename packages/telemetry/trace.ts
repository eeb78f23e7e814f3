import { randomBytes } from 'node:crypto'

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/

/**
 * The trace context of the next hop: same trace, a span id of its own; a new trace where the header is absent or not
 * valid. W3C Trace Context, `traceparent`.
 */
export function nextTraceparent(header: string | undefined): string {
  const known = header === undefined ? undefined : readTraceparent(header)
  return known === undefined
    ? `00-${randomHex(32)}-${randomHex(16)}-01`
    : `00-${known.traceId}-${randomHex(16)}-${known.sampled ? '01' : '00'}`
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
  return traceparent === undefined ? undefined : TRACEPARENT.exec(traceparent)?.[1]
}

// Version ff and ids of zeros are not valid; of the flags only `sampled` is defined, the others are not passed on.
function readTraceparent(header: string): { traceId: string; sampled: boolean } | undefined {
  const [, id = '', parent = '', flags = ''] = TRACEPARENT.exec(header) ?? []
  const valid = id !== '' && !header.startsWith('ff') && !/^0+$/.test(id) && !/^0+$/.test(parent)
  return valid ? { traceId: id, sampled: (Number.parseInt(flags, 16) & 1) === 1 } : undefined
}
