import { Button, Group, Text } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { ApiProblem } from '../../api/problem.ts'
import { accessToken, logOut, useSession } from '../../api/session.ts'
import { LogIn } from '../../shell/LogIn.tsx'
import { ProblemNote } from '../../ui/ProblemNote.tsx'
import { againAfterMs } from './seat-again.ts'

/** What of a page is for whoever buys: on a local start a demo buyer, elsewhere whoever logs in. */
export function BuyerSeat({ children }: { children: ReactNode }) {
  const { t } = useTranslation(['shop', 'shell'])
  const queries = useQueryClient()
  const session = useSession('buyer')
  const seat = useQuery({
    queryKey: ['seat', 'buyer', session?.accountId],
    queryFn: whoSits,
    retry: false,
    // Too many who log in at once, or a shop that starts: it comes by itself.
    refetchInterval: ({ state }) => againAfterMs(state.error),
  })
  if (seat.data === 'nobody') {
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
      {seat.data === 'a buyer' ? children : null}
    </>
  )
}

// That nobody sits there is an answer like any other, so that who logs in is not disturbed when it is asked for again.
async function whoSits(): Promise<'a buyer' | 'nobody'> {
  try {
    await accessToken('buyer')
    return 'a buyer'
  } catch (error) {
    if (error instanceof ApiProblem && error.code === 'unauthenticated') return 'nobody'
    throw error
  }
}
