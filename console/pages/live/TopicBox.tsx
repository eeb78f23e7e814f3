import type { CSSProperties } from 'react'
import type { LiveView } from '@timesale/contracts/console-api'
import { useNumbers } from '../../ui/numbers.ts'
import { BoxButton, type BoxButtonProps } from './BoxButton.tsx'
import classes from './live.module.css'
import type { ShownTopic } from './shop-map.ts'
import { rateOn } from './shop-now.ts'
import { TopicPanel } from './TopicPanel.tsx'

/** A topic: its colour in the picture, its name, and records a second as far as they are known now. */
export function TopicBox({
  topic,
  view,
  onLook,
}: {
  topic: ShownTopic
  view: LiveView | undefined
  onLook?: BoxButtonProps['onLook']
}) {
  const { perSecond } = useNumbers()
  const rate = rateOn(view, { kind: 'along', topic })
  return (
    <BoxButton part={topic} onLook={onLook} panel={() => <TopicPanel topic={topic} view={view} />}>
      <span className={`${classes['row']} ${classes['topic']}`}>
        <span className={classes['name']}>
          <span
            className={classes['topicMark']}
            style={{ '--colour': `var(--${topic})` } as CSSProperties}
            aria-hidden
          />
          {topic}
        </span>
        <span className={classes['soft']}>{rate === undefined ? '?' : perSecond(rate)}</span>
      </span>
    </BoxButton>
  )
}
