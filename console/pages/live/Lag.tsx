import { useTranslation } from 'react-i18next'
import type { GroupLagView } from '@timesale/contracts/console-api'
import { useNumbers } from '../../ui/numbers.ts'
import classes from './live.module.css'
import { lagShare, trendOf, type Trend } from './shop-now.ts'

const SIGNS: Readonly<Record<Trend, string>> = { growing: '▲', draining: '▼', level: '', 'not-known': '' }

/** How far a group is behind, in records and in seconds, with a bar that cannot be overlooked. */
export function Lag({ lag, isOld = false }: { lag: GroupLagView | undefined; isOld?: boolean }) {
  const { t } = useTranslation('live')
  const { whole, duration } = useNumbers()
  if (lag === undefined || lag.lagRecords === null) {
    return <span className={classes['soft']}>{t('lagUnknown')}</span>
  }
  // Of a group that nobody could ask of late, nobody knows whether it is growing.
  const trend = isOld ? 'not-known' : trendOf(lag)
  const isBehind = lag.lagRecords > 0
  return (
    <>
      <span className={classes['row']} data-lag={lag.group} data-records={lag.lagRecords}>
        <span className={isBehind ? (trend === 'growing' ? classes['bad'] : classes['halt']) : classes['soft']}>
          {t('lag')} {whole(lag.lagRecords)}
          {trend === 'growing' || trend === 'draining' ? (
            <span role="img" aria-label={t(trend)}>
              {' '}
              {SIGNS[trend]}
            </span>
          ) : null}
        </span>
        {isOld ? <span>{t('old')}</span> : null}
        {!isOld && isBehind && lag.lagSeconds !== null ? <span>{duration(lag.lagSeconds)}</span> : null}
      </span>
      <span className={classes['bar']} aria-hidden>
        <span
          className={classes['fill']}
          data-trend={trend}
          style={{ display: 'block', transform: `scaleX(${lagShare(lag.lagRecords)})` }}
        />
      </span>
    </>
  )
}
