import type { CSSProperties } from 'react'
import type { LiveView } from '@timesale/contracts/console-api'
import { useNumbers } from '../../ui/numbers.ts'
import { BoxButton, type BoxButtonProps } from './BoxButton.tsx'
import classes from './live.module.css'
import { topicNamed } from './shop-now.ts'
import { TopicPanel } from './TopicPanel.tsx'

/** A topic: its colour in the picture, its name, and records a second. */
export function TopicBox({
  topic,
  view,
  onLook,
}: {
  topic: string
  view: LiveView | undefined
  onLook?: BoxButtonProps['onLook']
}) {
  const { perSecond } = useNumbers()
  const now = topicNamed(view, topic)
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
        <span className={classes['soft']}>{now === undefined ? '?' : perSecond(now.perSecond)}</span>
      </span>
    </BoxButton>
  )
}
