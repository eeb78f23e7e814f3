/**
 * Kafka's murmur2 over the key's bytes, as the Java client's default partitioner computes it (utils/Utils.java).
 * 32-bit arithmetic: the client library's own works on BigInt and costs more than the rest of a record.
 */
export function murmur2(key: Buffer): number {
  const m = 0x5bd1e995
  const length = key.length
  let h = 0x9747b28c ^ length
  const blocks = length >> 2
  for (let i = 0; i < blocks; i += 1) {
    let k = Math.imul(key.readInt32LE(i * 4), m)
    k = Math.imul(k ^ (k >>> 24), m)
    h = Math.imul(h, m) ^ k
  }
  const rest = blocks * 4
  const left = length & 3
  if (left >= 3) h ^= (key[rest + 2] as number) << 16
  if (left >= 2) h ^= (key[rest + 1] as number) << 8
  if (left >= 1) h = Math.imul(h ^ (key[rest] as number), m)
  h = Math.imul(h ^ (h >>> 13), m)
  return h ^ (h >>> 15)
}

/** Where the Java client puts a key, before the remainder by the number of partitions. */
export function keyToPartition(key: Buffer): number {
  return murmur2(key) & 0x7fffffff
}
