import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Admin } from '@platformatic/kafka'

/** The files in which a broker keeps the only partition of a topic, and of these all that begin below an offset, if there is one. */
export async function segmentsOf(brokers: string, topic: string, below?: bigint): Promise<string[]> {
  const folder = await folderOf(brokers, topic)
  const names = (await readdir(folder)).filter((name) => name.endsWith('.log'))
  // Named after their first offset.
  const wanted = names.filter((name) => below === undefined || BigInt(name.slice(0, -'.log'.length)) < below)
  return wanted.map((name) => join(folder, name))
}

/** Where the broker keeps the partition. */
async function folderOf(brokers: string, topic: string): Promise<string> {
  const admin = new Admin({ clientId: 'lab', bootstrapBrokers: [brokers] })
  try {
    const found = (await admin.describeLogDirs({ topics: [{ name: topic, partitions: [0] }] }))
      .flatMap(({ results }) => results)
      .find(({ topics }) => topics.length > 0)
    if (found === undefined) throw new Error(`The broker has no ${topic}`)
    return join(found.logDir, `${topic}-0`)
  } finally {
    await admin.close()
  }
}
