import { Button, Group, Text } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { ApiProblem } from '../../api/problem.ts'
import { accessToken, logOut, useSession } from '../../api/session.ts'
import { LogIn } from '../../shell/LogIn.tsx'
import { ProblemNote } from '../../ui/ProblemNote.tsx'

const AGAIN_MS = 3_000

/** What of a page is for whoever buys: on a local start a demo buyer, elsewhere whoever logs in. */
export function BuyerSeat({ children }: { children: ReactNode }) {
  const { t } = useTranslation(['shop', 'shell'])
  const queries = useQueryClient()
  const session = useSession('buyer')
  const seat = useQuery({
    queryKey: ['seat', 'buyer', session?.accountId],
    // That there is a token is what is wanted to know.
    queryFn: async () => (await accessToken('buyer')) !== '',
    retry: false,
    // Too many who log in at once, or a shop that starts: it comes by itself.
    refetchInterval: ({ state }) => (state.error === null ? false : waitAfter(state.error)),
  })
  if (seat.error instanceof ApiProblem && seat.error.code === 'unauthenticated') {
    return (
      <LogIn
        seat="buyer"
        title={t('logInTitle')}
        onDone={() => void queries.invalidateQueries({ queryKey: ['seat'] })}
      />
    )
  }
  if (seat.isError) return <ProblemNote error={seat.error} retry={() => void seat.refetch()} />
  return (
    <>
      {session === undefined ? null : (
        <Group gap="xs">
          <Text size="sm" c="dimmed">
            {t('asBuyer', { name: session.name })}
          </Text>
          <Button
            size="compact-xs"
            variant="subtle"
            onClick={() => void logOut('buyer').then(() => queries.invalidateQueries({ queryKey: ['seat'] }))}
          >
            {t('shell:logOut')}
          </Button>
        </Group>
      )}
      {seat.data === true ? children : null}
    </>
  )
}

function waitAfter(error: Error): number {
  const seconds = error instanceof ApiProblem ? error.retryAfterSeconds : undefined
  return Math.max(AGAIN_MS, (seconds ?? 0) * 1000)
}
