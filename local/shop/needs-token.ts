const ANSWER_MS = 2_000

/**
 * Whether the order service takes nobody without a token (AUTH_MODE=token). By asking it, since only it knows for sure;
 * false also where it does not answer, which whoever wants more of it will hear.
 */
export async function needsToken(orderUrl: string): Promise<boolean> {
  try {
    const answer = await fetch(`${orderUrl}/orders/nobody`, { signal: AbortSignal.timeout(ANSWER_MS) })
    await answer.body?.cancel()
    return answer.status === 401
  } catch {
    return false
  }
}
