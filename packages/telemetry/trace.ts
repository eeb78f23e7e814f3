import { randomBytes } from 'node:crypto'

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/

/**
 * The trace context of the next hop: same trace, a span id of its own; a new trace where the header is absent or not
 * valid. W3C Trace Context, `traceparent`.
 */
export function nextTraceparent(header: string | undefined): string {
  const known = header === undefined ? null : TRACEPARENT.exec(header)
  const spanId = randomBytes(8).toString('hex')
  const valid = known !== null && !/^0+$/.test(known[1] as string) && !header?.startsWith('ff')
  return valid ? `00-${known[1]}-${spanId}-${known[3]}` : `00-${randomBytes(16).toString('hex')}-${spanId}-01`
}

/** The trace id, for logs. */
export function traceId(traceparent: string | undefined): string | undefined {
  return traceparent === undefined ? undefined : TRACEPARENT.exec(traceparent)?.[1]
}
