import { Badge, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { GroupLagView } from '@timesale/contracts/console-api'
import { useNumbers } from '../../ui/numbers.ts'

type Lag = Pick<GroupLagView, 'lagRecords' | 'lagSeconds' | 'drainSeconds'>

/** A delay of a moment is how batches work, and none to worry about. */
const WORRYING_S = 5

/** Records that are not worked off. */
export function LagRecords({ lag: { lagRecords, lagSeconds } }: { lag: Lag }) {
  const { t } = useTranslation('groups')
  const { whole } = useNumbers()
  if (lagRecords === null) return <Text span>{t('unknown')}</Text>
  const isWorrying = lagRecords > 0 && (lagSeconds ?? Number.POSITIVE_INFINITY) > WORRYING_S
  return isWorrying ? (
    <Badge color="orange" variant="light">
      {whole(lagRecords)}
    </Badge>
  ) : (
    <>{whole(lagRecords)}</>
  )
}

/** How old the oldest of them is. */
export function LagSeconds({ lag: { lagRecords, lagSeconds } }: { lag: Lag }) {
  const { t } = useTranslation('groups')
  const { duration } = useNumbers()
  if (lagRecords === 0) return <>{t('caughtUp')}</>
  return <>{lagSeconds === null ? t('unknown') : duration(lagSeconds)}</>
}

/** When it will have caught up. */
export function Drain({ lag: { lagRecords, drainSeconds } }: { lag: Lag }) {
  const { t } = useTranslation('groups')
  const { duration } = useNumbers()
  if (lagRecords === 0) return <>–</>
  return <>{drainSeconds === null ? t('never') : duration(drainSeconds)}</>
}
