/**
 * The list begun at another broker each time. The client asks the first one that accepts a connection for all that it
 * has to know, and one that hangs accepts connections: a new client must not begin with the same one again.
 */
export function rotated(brokers: readonly string[], attempt: number): string[] {
  const first = brokers.length === 0 ? 0 : attempt % brokers.length
  return [...brokers.slice(first), ...brokers.slice(0, first)]
}
