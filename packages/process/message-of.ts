/** What an error says, with what is below it, for a person. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // Some of Node's own errors (a refused connection to localhost, say) carry their text in the errors below them.
  const text =
    error.message === '' && error instanceof AggregateError ? error.errors.map(messageOf).join('; ') : error.message
  return error.cause === undefined ? text : `${text}\n  because: ${messageOf(error.cause)}`
}
