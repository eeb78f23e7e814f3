/** So many requests in so many seconds. The window begins with its first request and is not moved by later ones. */
export interface Limit {
  readonly points: number
  readonly seconds: number
}

/** How much of a limit is used up, this request included. */
export interface Spent {
  readonly spent: number
  /** Until the window ends. */
  readonly leftMs: number
}

/** `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers-10. */
export function policyHeader(name: string, { points, seconds }: Limit): string {
  return `"${name}";q=${points};w=${seconds}`
}

export function stateHeader(name: string, { points }: Limit, { spent, leftMs }: Spent): string {
  return `"${name}";r=${Math.max(0, points - spent)};t=${Math.ceil(leftMs / 1000)}`
}
