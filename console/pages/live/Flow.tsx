import type { CSSProperties } from 'react'
import { flowOf } from './flow.ts'
import classes from './live.module.css'
import type { Point } from './picture.ts'

/** Dots from one point to another, as lively as the rate. One element however many events: CSS moves it. */
export function Flow({
  start,
  end,
  perSecond,
  colour,
  isFar,
}: {
  start: Point
  end: Point
  perSecond: number | undefined
  colour: string
  isFar: boolean
}) {
  const flow = flowOf(perSecond)
  if (flow === undefined) return null
  const [x, y] = [end.x - start.x, end.y - start.y]
  const dots = { '--gap': `${flow.gapPx}px`, animationDuration: `${flow.periodMs}ms` } as CSSProperties
  return (
    <div
      className={isFar ? `${classes['flow']} ${classes['far']}` : classes['flow']}
      style={
        {
          left: start.x,
          top: start.y,
          width: Math.hypot(x, y),
          transform: `rotate(${Math.atan2(y, x)}rad)`,
          '--colour': colour,
        } as CSSProperties
      }
    >
      <div className={classes['dots']} style={dots} />
    </div>
  )
}
