/** Numbers from 0 to 1 (without 1) that depend on the seed and their labels alone: the same in every run. */
export function randomOf(seed: number, ...labels: readonly number[]): number {
  let hash = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b)
  for (const label of labels) hash = mixed(hash ^ Math.imul(label + 0x165667b1, 0xc2b2ae35))
  return (mixed(hash) >>> 0) / 2 ** 32
}

// The finalizer of MurmurHash3: each bit of the input moves half of the bits of the result.
function mixed(hash: number): number {
  let h = hash
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}
