import { useState, type CSSProperties, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { LiveView } from '@timesale/contracts/console-api'
import { useNumbers } from '../../ui/numbers.ts'
import { BuyersBox } from './BuyersBox.tsx'
import { Flow } from './Flow.tsx'
import classes from './live.module.css'
import { Cylinder, Legend } from './Legend.tsx'
import { Lines } from './Lines.tsx'
import { PlainBox, ServiceBox } from './PartBox.tsx'
import {
  ARROWS,
  brokerBox,
  BUYERS,
  GATEWAY,
  HEIGHT,
  LEGEND,
  ORDERS_IN,
  REDIS,
  SERVICE_BOXES,
  TOPIC_BOXES,
  WIDTH,
  type Arrow,
  type Box,
} from './picture.ts'
import { databaseOf, readBy, SERVICES, SHOWN_TOPICS, WITH_DATABASE, writtenBy } from './shop-map.ts'
import { acceptedPerSecond, brokersOf, rateOn } from './shop-now.ts'
import { TopicBox } from './TopicBox.tsx'

/** The shop as it runs. `isFrozen`: what is known is of a moment that is over, so nothing moves. */
export function Picture({ view, isFrozen }: { view: LiveView | undefined; isFrozen: boolean }) {
  const { t } = useTranslation('live')
  const { perSecond } = useNumbers()
  const [looked, setLooked] = useState<string>()
  const brokers = brokersOf(view)
  const accepted = acceptedPerSecond(view)
  return (
    // Scrolls sideways where it has no room; whoever has no pointer can do so by keys.
    <div className={classes['scroller']} role="region" aria-label={t('picture')} tabIndex={0}>
      <div className={classes['picture']} style={{ width: WIDTH, height: HEIGHT }}>
        <Lines isFar={(arrow) => isFar(arrow, looked)} />
        <div aria-hidden>
          {isFrozen ? null : <Flow {...ORDERS_IN} perSecond={accepted} colour="var(--order-topic)" isFar={false} />}
          {ARROWS.map((arrow) => {
            const rate = isFrozen ? undefined : rateOn(view, arrow)
            const colour = `var(--${arrow.topic})`
            return (
              <Flow
                key={arrow.id}
                start={arrow.start}
                end={arrow.end}
                perSecond={rate}
                colour={colour}
                isFar={isFar(arrow, looked)}
              />
            )
          })}
          {ARROWS.map((arrow) =>
            arrow.number === undefined ? null : (
              <span
                key={arrow.id}
                className={isFar(arrow, looked) ? `${classes['number']} ${classes['far']}` : classes['number']}
                style={
                  { left: arrow.number.x, top: arrow.number.y, '--colour': `var(--${arrow.topic})` } as CSSProperties
                }
              >
                {rateText(rateOn(view, arrow), perSecond)}
              </span>
            ),
          )}
        </div>
        <Placed box={LEGEND}>
          <Legend view={view} />
        </Placed>
        <Placed box={BUYERS}>
          <BuyersBox view={view} />
        </Placed>
        <Placed box={GATEWAY}>
          <PlainBox name="gateway" title="gateway" view={view} />
        </Placed>
        <Placed box={REDIS}>
          <PlainBox name="redis" title="Redis" view={view}>
            <span className={classes['soft']}>{t('redisKeeps')}</span>
          </PlainBox>
        </Placed>
        {SERVICES.map((service) =>
          service === 'gateway' ? null : (
            <Placed key={service} box={SERVICE_BOXES[service]}>
              <ServiceBox name={service} view={view} onLook={setLooked} />
              {WITH_DATABASE.some((owner) => owner === service) ? (
                <PlainBox name={databaseOf(service)} title={<Cylinder />} view={view} />
              ) : null}
            </Placed>
          ),
        )}
        {SHOWN_TOPICS.map((topic) => (
          <Placed key={topic} box={TOPIC_BOXES[topic]}>
            <TopicBox topic={topic} view={view} onLook={setLooked} />
          </Placed>
        ))}
        {brokers.map(({ name }, index) => (
          <Placed key={name} box={brokerBox(index, brokers.length)}>
            <PlainBox name={name} title={name} view={view} />
          </Placed>
        ))}
      </div>
    </div>
  )
}

function Placed({ box: { x, y, width, height }, children }: { box: Box; children: ReactNode }) {
  return (
    <div className={`${classes['placed']} ${classes['card']}`} style={{ left: x, top: y, width, height }}>
      {children}
    </div>
  )
}

/** Whether an arrow has nothing to do with what somebody looks at. */
function isFar({ topic, service }: Arrow, looked: string | undefined): boolean {
  if (looked === undefined) return false
  if (SHOWN_TOPICS.some((shown) => shown === looked)) return topic !== looked
  // A lane belongs to all who write or read it.
  if (service === undefined) return !writtenBy(looked).includes(topic) && !readBy(looked).includes(topic)
  return service !== looked
}

function rateText(rate: number | undefined, perSecond: (value: number) => string): string {
  return rate === undefined ? '?' : perSecond(rate)
}
