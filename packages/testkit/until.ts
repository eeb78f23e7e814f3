import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Asks again until the answer is one, i.e. neither false nor undefined, nor an error. Never a fixed wait: what is
 * waited for is what is tested. The bound is generous, because tests share two cores with everything.
 */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  withinMs = 30_000,
): Promise<T> {
  const end = performance.now() + withinMs
  let lastError: unknown
  for (;;) {
    try {
      const answer = await ask()
      if (answer !== undefined && answer !== false) return answer
      lastError = undefined
    } catch (error) {
      lastError = error
    }
    if (performance.now() > end) throw new Error(`Not within ${withinMs} ms: ${what}`, { cause: lastError })
    await sleep(20)
  }
}
