import { Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { onGatewayClock } from '../api/clock.ts'
import { useLive } from '../api/live.ts'
import { Age } from './Age.tsx'
import { useNow } from './use-now.ts'
import { shownUpTo } from './view-age.ts'

/**
 * How old figures are that a group gathers from the topics: what it has not worked off is not in them. `readAt`: by this
 * browser's clock, 0 for never, as a query has it.
 */
export function ViewAge({ group, readAt }: { group: 'storefront' | 'analytics'; readAt: number }) {
  const { t } = useTranslation('part')
  const { view } = useLive()
  const now = useNow()
  const read = onGatewayClock(readAt)
  if (read === undefined) return <Age asOf={undefined} />
  const asOf = shownUpTo({ groups: view?.groups ?? null, group, read, now })
  return asOf === undefined ? (
    <Text span size="xs" c="orange" fw={600} data-age="" data-old>
      {t('ageUnknown')}
    </Text>
  ) : (
    <Age asOf={asOf} />
  )
}
