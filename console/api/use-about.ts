import { useQuery } from '@tanstack/react-query'
import type { ConsoleAbout } from '@timesale/contracts/console-api'
import { consoleAbout } from './session.ts'

/** What may be done here; undefined until it is known. */
export function useAbout(): ConsoleAbout | undefined {
  return useQuery({ queryKey: ['about'], queryFn: consoleAbout, staleTime: Number.POSITIVE_INFINITY }).data
}
