import { Title, VisuallyHidden } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { LiveView } from '@timesale/contracts/console-api'
import { Age } from '../../ui/Age.tsx'
import { useNumbers } from '../../ui/numbers.ts'
import classes from './live.module.css'
import { sumsOf, type Sum } from './sums.ts'

/** What must be the same on both sides, with its numbers: green where it holds, and red where it does not. */
export function Sums({ view }: { view: LiveView | undefined }) {
  const { t } = useTranslation('live')
  return (
    <section aria-label={t('sums')} className={classes['sums']}>
      {sumsOf(view).map(({ name, asOf, sum }) => (
        <div
          key={name}
          className={classes['sum']}
          data-sum={name}
          {...(sum === undefined ? {} : { 'data-holds': sum.difference === 0 })}
        >
          <div className={classes['row']}>
            <Title order={2} size="h6">
              {t(`sum_${name}`)} <Verdict sum={sum} />
            </Title>
            <Age asOf={asOf} />
          </div>
          {sum === undefined ? null : <Terms sum={sum} />}
        </div>
      ))}
    </section>
  )
}

function Verdict({ sum }: { sum: Sum | undefined }) {
  const { t } = useTranslation('live')
  const { whole } = useNumbers()
  if (sum === undefined) return <span className={classes['soft']}>? {t('notKnown')}</span>
  if (sum.difference === 0) return <span className={classes['good']}>✓ {t('holds')}</span>
  const difference = `${sum.difference > 0 ? '+' : ''}${whole(sum.difference)}`
  return <span className={classes['bad']}>✕ {t('broken', { difference })}</span>
}

function Terms({ sum: { whole, parts } }: { sum: Sum }) {
  return (
    <div className={classes['terms']}>
      <Term name={whole.name} value={whole.value} />
      {parts.map(({ name, value }, index) => (
        <span key={name} className={classes['plus']}>
          <span className={classes['soft']}>{index === 0 ? '=' : '+'}</span>
          <Term name={name} value={value} />
        </span>
      ))}
    </div>
  )
}

function Term({ name, value }: { name: Sum['whole']['name']; value: number }) {
  const { t } = useTranslation('live')
  const { whole } = useNumbers()
  return (
    <span className={classes['term']} data-term={name}>
      <strong>{whole(value)}</strong>
      <VisuallyHidden> </VisuallyHidden>
      <small className={classes['soft']}>{t(name)}</small>
    </span>
  )
}
