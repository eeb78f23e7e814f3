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
