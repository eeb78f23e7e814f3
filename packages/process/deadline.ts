/**
 * The answer, or `late()` thrown after `ms`. The work goes on, and what becomes of it then is nobody's concern: only for
 * work that harms nothing when it ends late.
 */
export async function within<T>(ms: number, work: Promise<T>, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  let lastLook: NodeJS.Immediate | undefined
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      // Timers come before what has arrived: a process that was busy for so long may have the answer and not know it yet.
      lastLook = setImmediate(() => reject(late()))
    }, ms)
  })
  // The loser of the race may still fail later; nobody listens to it then.
  work.catch(() => undefined)
  try {
    return await Promise.race([work, deadline])
  } finally {
    clearTimeout(timer)
    clearImmediate(lastLook)
  }
}
