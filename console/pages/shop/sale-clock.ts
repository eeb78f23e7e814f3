/** When a sale is on; half-open: from `startsAt` until just before `endsAt`. */
export interface SaleWindow {
  readonly startsAt: string
  readonly endsAt: string
}

/** Where a sale stands at a moment (milliseconds since the epoch), and a clock that counts down to what comes next. */
export function saleAt(
  { startsAt, endsAt }: SaleWindow,
  now: number,
): { readonly state: 'upcoming' | 'running' | 'ended'; readonly clock: string } {
  const [start, end] = [Date.parse(startsAt), Date.parse(endsAt)]
  if (now < start) return { state: 'upcoming', clock: countdown(start - now) }
  if (now < end) return { state: 'running', clock: countdown(end - now) }
  return { state: 'ended', clock: countdown(0) }
}

/** 1:02:03; 02:03. A second that has begun counts, so that 0 is shown when it is over and not before. */
export function countdown(ms: number): string {
  const seconds = Math.ceil(Math.max(0, ms) / 1000)
  const two = (value: number): string => String(value).padStart(2, '0')
  const hours = Math.floor(seconds / 3600)
  return `${hours > 0 ? `${hours}:` : ''}${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`
}
