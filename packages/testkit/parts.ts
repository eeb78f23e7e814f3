import type { Infrastructure } from './infrastructure.ts'

/**
 * Stops every process of the PostgreSQL server in its tracks: connections stay and nothing answers, as when a machine
 * hangs. Goes on with the function it returns.
 */
export async function pausePostgres(infrastructure: Infrastructure, service: string): Promise<() => void> {
  const rows = await infrastructure.admin(service).sql<{ pid: number }>`select pid from pg_stat_activity`
  const server = infrastructure.parts.get('postgres')
  // The server first, so that it starts no more sessions; the session that was asked is stopped with the others.
  const pids = [server?.pid ?? 0, ...rows.map(({ pid }) => pid)].filter((pid) => pid > 0)
  signal(pids, 'SIGSTOP')
  return () => signal(pids, 'SIGCONT')
}

/** Stops the sessions of one application name only. */
export async function pauseSessions(
  infrastructure: Infrastructure,
  service: string,
  application: string,
): Promise<{ pids: number[]; resume: () => void }> {
  const rows = await infrastructure.admin(service).sql<{ pid: number }>`
    select pid from pg_stat_activity where application_name = ${application}`
  const pids = rows.map(({ pid }) => pid)
  signal(pids, 'SIGSTOP')
  return { pids, resume: () => signal(pids, 'SIGCONT') }
}

function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name)
    } catch (error) {
      // A session may have ended meanwhile.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
}
