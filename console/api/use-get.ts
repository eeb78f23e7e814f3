import { useQuery, type UseQueryResult } from '@tanstack/react-query'
import { call } from './call.ts'
import { isFinal } from './problem.ts'
import type { Seat } from './session.ts'

/**
 * What a path answers, asked again every so often while somebody looks. What was read last stays while it is asked again, also
 * when that fails: then `error` says so, and the age of the numbers shows it.
 */
export function useGet<Answer>(
  seat: Seat,
  path: string,
  options: {
    readonly everyMs?: number
    /** Whether an answer is the last one that is of interest. */
    readonly isLast?: (answer: Answer) => boolean
    readonly enabled?: boolean
  } = {},
): UseQueryResult<Answer> {
  const { everyMs = false, isLast } = options
  return useQuery<Answer>({
    queryKey: [seat, path],
    queryFn: ({ signal }) => call<Answer>(seat, path, { signal }),
    refetchInterval({ state: { data, error } }) {
      if (isLast === undefined) return everyMs
      return isFinal(error) || (data !== undefined && isLast(data)) ? false : everyMs
    },
    enabled: options.enabled ?? true,
  })
}

/** A path with those of the parameters that have a value. */
export function withQuery(path: string, parameters: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(parameters).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== '',
  )
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given).toString()}`
}
