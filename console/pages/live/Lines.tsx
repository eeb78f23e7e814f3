import classes from './live.module.css'
import { ARROWS, CALLS, HEIGHT, KAFKA, ORDERS_IN, WIDTH, type Arrow, type Point } from './picture.ts'

const HEAD = 5

/** What does not move: lanes, arrows with their heads, calls whose rate nobody counts. */
export function Lines({ isFar }: { isFar: (arrow: Arrow) => boolean }) {
  return (
    <>
      <div
        className={classes['band']}
        style={{ left: KAFKA.x, top: KAFKA.y, width: KAFKA.width, height: KAFKA.height }}
      />
      <svg className={classes['lines']} width={WIDTH} height={HEIGHT} aria-hidden>
        {CALLS.map((points) => (
          <polyline key={svgPoints(points)} className={classes['call']} points={svgPoints(points)} />
        ))}
        <line
          className={classes['line']}
          x1={ORDERS_IN.start.x}
          y1={ORDERS_IN.start.y}
          x2={ORDERS_IN.end.x}
          y2={ORDERS_IN.end.y}
        />
        <path className={classes['head']} d={headAt(ORDERS_IN.start, ORDERS_IN.end)} fill="var(--order-topic)" />
        {ARROWS.map((arrow) => (
          <g key={arrow.id} className={isFar(arrow) ? classes['far'] : undefined}>
            <ArrowLine arrow={arrow} />
          </g>
        ))}
      </svg>
    </>
  )
}

function ArrowLine({ arrow: { kind, topic, start, end } }: { arrow: Arrow }) {
  const colour = `var(--${topic})`
  const ends = { x1: start.x, y1: start.y, x2: end.x, y2: end.y }
  if (kind === 'along') return <line {...ends} className={classes['lane']} stroke={colour} />
  const atLane = kind === 'write' ? end : start
  return (
    <>
      <line {...ends} stroke={colour} strokeOpacity={0.35} strokeWidth={1.5} />
      {kind === 'read' ? <path className={classes['head']} d={headAt(start, end)} fill={colour} /> : null}
      <circle cx={atLane.x} cy={atLane.y} r={kind === 'write' ? 5.5 : 4} fill={colour} />
    </>
  )
}

/** A triangle that points at the end of an upright arrow. */
function headAt(start: Point, end: Point): string {
  const back = end.y > start.y ? -HEAD * 1.6 : HEAD * 1.6
  return `M ${end.x} ${end.y} l ${-HEAD} ${back} h ${2 * HEAD} z`
}

function svgPoints(points: readonly Point[]): string {
  return points.map(({ x, y }) => `${x},${y}`).join(' ')
}
