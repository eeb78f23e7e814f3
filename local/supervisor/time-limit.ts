/** The answer, or an error once the time is over; what was asked goes on, and its end is not waited for. */
export async function withinTime<Answer>(asked: Promise<Answer>, ms: number, what: string): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not answer within ${ms / 1000} s`)), ms)
  })
  try {
    return await Promise.race([asked, late])
  } finally {
    clearTimeout(timer)
  }
}
