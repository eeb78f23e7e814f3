import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'

/**
 * Where things lie that were fetched once and belong to no shop in particular: neither an install nor a reset loses them,
 * and two clones share them.
 */
export function cacheFolder(name: 'jars' | 'redis' | 'class-archives'): string {
  const { TIMESALE_CACHE: own, XDG_CACHE_HOME: xdg } = process.env

  if (own) return join(resolve(own), name)

  // The XDG specification wants a relative path ignored.
  return join(xdg && isAbsolute(xdg) ? xdg : join(homedir(), '.cache'), 'timesale', name)
}
