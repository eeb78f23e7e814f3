import { keepPreviousData, useQuery, type UseQueryResult } from '@tanstack/react-query'
import { call } from './call.ts'
import type { Seat } from './session.ts'

/**
 * What a path answers, asked again every so often while somebody looks. What was read last stays while it is asked again, also
 * when that fails: then `error` says so, and the age of the numbers shows it.
 */
export function useGet<Answer>(
  seat: Seat,
  path: string,
  options: { readonly everyMs?: number; readonly enabled?: boolean; readonly keepsPrevious?: boolean } = {},
): UseQueryResult<Answer> {
  return useQuery<Answer>({
    queryKey: [seat, path],
    queryFn: ({ signal }) => call<Answer>(seat, path, { signal }),
    refetchInterval: options.everyMs ?? false,
    enabled: options.enabled ?? true,
    ...(options.keepsPrevious === true ? { placeholderData: keepPreviousData } : {}),
  })
}

/** A path with those of the parameters that have a value. */
export function withQuery(path: string, parameters: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(parameters).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== '',
  )
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given).toString()}`
}
