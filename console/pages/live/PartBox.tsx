import { VisuallyHidden } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { LiveView } from '@timesale/contracts/console-api'
import { useNumbers } from '../../ui/numbers.ts'
import { BoxButton, type BoxButtonProps } from './BoxButton.tsx'
import { Lag } from './Lag.tsx'
import classes from './live.module.css'
import { PartPanel } from './PartPanel.tsx'
import { readBy, writtenBy } from './shop-map.ts'
import { isOld, lagOf, outboxOf, partNamed } from './shop-now.ts'
import { StateWord } from './StateWord.tsx'

interface PartBoxProps {
  readonly name: string
  readonly view: LiveView | undefined
  readonly onLook?: BoxButtonProps['onLook']
}

/** A service: how it is, how far its group is behind, and what waits to be sent. */
export function ServiceBox({ name, view, onLook }: PartBoxProps) {
  const part = partNamed(view, name)
  return (
    <BoxButton part={name} state={part.state} onLook={onLook} panel={() => <PartPanel part={part} view={view} />}>
      <span className={classes['row']}>
        <span className={`${classes['name']} ${classes['big']}`}>{name}</span>
      </span>
      <StateWord state={part.state} />
      {readBy(name).length === 0 ? null : (
        <Lag lag={lagOf(view, name)} isOld={view !== undefined && isOld(view, view.groups?.asOf)} />
      )}
      {writtenBy(name).length === 0 ? null : <Outbox service={name} view={view} />}
    </BoxButton>
  )
}

function Outbox({ service, view }: { service: string; view: LiveView | undefined }) {
  const { t } = useTranslation('live')
  const { whole, duration } = useNumbers()
  const outbox = outboxOf(view, service)
  if (outbox === undefined) return <span className={classes['soft']}>{t('outbox')} ?</span>
  const waits = outbox.events > 0
  return (
    <span className={`${classes['row']} ${waits ? classes['halt'] : classes['soft']}`}>
      <span>
        {t('outbox')} {whole(outbox.events)}
      </span>
      {outbox.oldestSeconds === null ? null : <span>{duration(outbox.oldestSeconds)}</span>}
    </span>
  )
}

/** A database, a broker, Redis, the gateway: its name, how it is, and what else there is room for. */
export function PlainBox({
  name,
  title,
  view,
  children,
}: Omit<PartBoxProps, 'onLook'> & { title: ReactNode; children?: ReactNode }) {
  const part = partNamed(view, name)
  return (
    <BoxButton part={name} state={part.state} panel={() => <PartPanel part={part} view={view} />}>
      <span className={classes['row']} style={{ flexWrap: 'wrap' }}>
        <span className={classes['name']}>
          {title === name ? null : <VisuallyHidden>{`${name} `}</VisuallyHidden>}
          {title}
        </span>
        <StateWord state={part.state} />
      </span>
      {children}
    </BoxButton>
  )
}
