import { useTranslation } from 'react-i18next'
import type { LiveView, PartView } from '@timesale/contracts/console-api'
import { Age } from '../../ui/Age.tsx'
import classes from './live.module.css'
import { StateWord } from './StateWord.tsx'

const SAMPLES = ['running', 'paused', 'stopped'] as const satisfies readonly PartView['state'][]

/** How the picture is to be read, and how old it is. */
export function Legend({ view }: { view: LiveView | undefined }) {
  const { t } = useTranslation('live')
  return (
    <div className={classes['legend']}>
      <span>{t('pictureHint')}</span>
      {SAMPLES.map((state) => (
        <span
          key={state}
          className={`${classes['box']} ${classes['sample']}`}
          data-state={state}
          style={{ flex: 'none' }}
        >
          <StateWord state={state} />
        </span>
      ))}
      <span>
        <svg width="30" height="6" aria-hidden>
          <line className={classes['call']} x1="0" x2="30" y1="3" y2="3" />
        </svg>{' '}
        {t('legendCalls')}
      </span>
      <dl className={classes['ages']}>
        <Told name={t('agesParts')} asOf={view?.parts?.asOf} />
        <Told name={t('topics')} asOf={view?.topics?.asOf} />
        <Told name={t('agesGroups')} asOf={view?.groups?.asOf} />
      </dl>
    </div>
  )
}

function Told({ name, asOf }: { name: string; asOf: string | undefined }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>
        <Age asOf={asOf} />
      </dd>
    </>
  )
}

/** A database, where its name would take too much room. */
export function Cylinder() {
  return (
    <>
      <svg width="12" height="13" viewBox="0 0 12 13" fill="none" stroke="currentColor" strokeWidth="1.3" aria-hidden>
        <ellipse cx="6" cy="2.8" rx="5" ry="2" />
        <path d="M1 2.8v7.4c0 1.1 2.2 2 5 2s5-.9 5-2V2.8" />
      </svg>{' '}
      DB
    </>
  )
}
