import { Stack, Text, Title } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { LiveView } from '@timesale/contracts/console-api'
import { useNumbers } from '../../ui/numbers.ts'
import { BoxButton } from './BoxButton.tsx'
import classes from './live.module.css'
import { Numbers } from './Numbers.tsx'
import { PanelLink } from './PartPanel.tsx'
import { acceptedPerSecond } from './shop-now.ts'

/** Whoever orders, and how many orders were accepted a second. */
export function BuyersBox({ view }: { view: LiveView | undefined }) {
  const { t } = useTranslation('live')
  const { perSecond } = useNumbers()
  const rate = acceptedPerSecond(view)
  const told = rate === undefined ? t('notKnown') : perSecond(rate)
  return (
    <BoxButton
      part="buyers"
      panel={() => (
        <Stack gap="xs">
          <Title order={2} size="h5">
            {t('buyers')}
          </Title>
          <Text size="sm">{t('what_buyers')}</Text>
          <Numbers lines={[[t('acceptedPerSecond'), told, view?.orders?.asOf]]} />
          <PanelLink to="/order">{t('toOrders')}</PanelLink>
        </Stack>
      )}
    >
      <span className={classes['row']}>
        <span className={`${classes['name']} ${classes['big']}`}>{t('buyers')}</span>
        <span className={classes['soft']}>{t('buyersAccept', { rate: told })}</span>
      </span>
    </BoxButton>
  )
}
