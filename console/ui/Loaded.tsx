import { Loader, Stack, VisuallyHidden } from '@mantine/core'
import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { ProblemNote } from './ProblemNote.tsx'

/** What was read; a sign that it is being read; a note where it could not be, beside what was read before. */
export function Loaded<Answer>({
  query,
  children,
}: {
  query: UseQueryResult<Answer>
  children: (answer: Answer) => ReactNode
}) {
  const { t } = useTranslation('part')
  return (
    <Stack gap="sm">
      {query.isError ? <ProblemNote error={query.error} retry={() => void query.refetch()} /> : null}
      {query.data === undefined ? null : children(query.data)}
      {query.isPending ? (
        <div role="status">
          <Loader size="sm" aria-hidden />
          <VisuallyHidden>{t('loading')}</VisuallyHidden>
        </div>
      ) : null}
    </Stack>
  )
}
