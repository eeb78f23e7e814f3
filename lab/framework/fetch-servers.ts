import { Complaint } from '@timesale/local/commands/command-line'
import { Terminal } from '@timesale/local/commands/terminal'
import { getJava } from '@timesale/local/infrastructure/java'
import { ensureJars, type JarOptions } from '@timesale/local/infrastructure/jars'
import { kafkaPins, redisPin } from '@timesale/local/infrastructure/pins'

/**
 * What a fresh clone has to download first: of an experiment's two minutes a slow network would take most. Complains where that
 * fails, or Java is missing, before an experiment that cannot work takes the place of its last result.
 */
export async function fetchServers(): Promise<void> {
  const terminal = new Terminal()
  const told = (what: string): JarOptions => ({ onProgress: (done, total) => terminal.fetched(what, done, total) })
  try {
    await getJava()
    await ensureJars(kafkaPins, told('Kafka'))
    await ensureJars([redisPin], told('Redis'))
  } catch (cause) {
    throw new Complaint(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}
