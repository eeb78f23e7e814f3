/**
 * Whether a broker's answer says so: `apiId` is the name of an error in Kafka's protocol (`OFFSET_OUT_OF_RANGE`), which
 * the client wraps in errors of its own.
 */
export function hasApiId(error: unknown, apiId: string): boolean {
  if (!(error instanceof Error)) return false
  if ('apiId' in error && error.apiId === apiId) return true
  const nested = 'errors' in error && Array.isArray(error.errors) ? error.errors : []
  return [...nested, error.cause].some((inner) => hasApiId(inner, apiId))
}

/** The name of the error with which a broker has refused, where trying again would not help. */
export function refusedWith(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  if ('apiId' in error && typeof error.apiId === 'string') {
    return 'canRetry' in error && error.canRetry === true ? undefined : error.apiId
  }
  const nested: unknown[] = 'errors' in error && Array.isArray(error.errors) ? error.errors : []
  return [...nested, error.cause].map(refusedWith).find((apiId) => apiId !== undefined)
}
