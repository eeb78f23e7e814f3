import { setTimeout as sleep } from 'node:timers/promises'
import { Admin } from '@platformatic/kafka'
import { until } from '@timesale/testkit/until'
import type { Text } from '../framework/experiment.ts'
import type { Servers } from '../framework/servers.ts'

/** How far the followers are when the leader is killed. */
export type Fault = 'followers keep up' | 'followers are behind'

export const FAULTS: Readonly<Record<Fault, Text>> = {
  'followers keep up': { en: 'followers keep up', ko: '팔로워가 따라오는 중' },
  'followers are behind': { en: 'followers half a second behind', ko: '팔로워가 0.5초 뒤처짐' },
}

// Far less than the 30 s that a follower may be behind and still count as in sync (replica.lag.time.max.ms), and than what
// the controllers take for dead.
const BEHIND_MS = 500
const IN_SYNC_WITHIN_MS = 60_000

/** The broker that leads partition 0, once all three replicas are in sync. */
export async function leaderInSync(brokers: string, topic: string): Promise<string> {
  const admin = new Admin({ clientId: 'lab', bootstrapBrokers: brokers.split(','), retries: 2, retryDelay: 200 })
  admin.on('error', () => undefined)
  try {
    return await until(
      `all replicas of ${topic} are in sync`,
      async () => {
        const metadata = await admin.metadata({ topics: [topic], forceUpdate: true })
        const partition = metadata.topics.get(topic)?.partitions[0]
        return partition !== undefined && partition.isr.length === 3 && `kafka-${partition.leader}`
      },
      IN_SYNC_WITHIN_MS,
    )
  } finally {
    await admin.close()
  }
}

/** SIGKILL for the leader; nothing is asked of it before. */
export async function killLeader(servers: Servers, leader: string, fault: Fault): Promise<void> {
  if (fault === 'followers keep up') return await servers.part(leader).kill()
  const followers = ['kafka-1', 'kafka-2', 'kafka-3'].filter((name) => name !== leader)
  for (const follower of followers) servers.part(follower).signal('SIGSTOP')
  try {
    await sleep(BEHIND_MS)
    await servers.part(leader).kill()
  } finally {
    for (const follower of followers) servers.part(follower).signal('SIGCONT')
  }
}
