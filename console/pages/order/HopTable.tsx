import { Anchor, Badge, Code, Group, Table, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import type { TraceHop } from '@timesale/contracts/trace-api'
import { useNumbers } from '../../ui/numbers.ts'
import { attemptsOf, causeOf, placeOf, storyOf } from './hop-story.ts'
import classes from './order.module.css'

/** What has happened to an order, one after the other: when, where, and what. */
export function HopTable({ hops }: { hops: readonly TraceHop[] }) {
  const { t } = useTranslation('order')
  return (
    <Table verticalSpacing={6} className={classes['hops'] ?? ''}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t('when')}</Table.Th>
          <Table.Th className={classes['wide'] ?? ''}>{t('line')}</Table.Th>
          <Table.Th>{t('where')}</Table.Th>
          <Table.Th>{t('what')}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {hops.map((hop, index) => (
          <Table.Tr
            key={keyOf(hop, index)}
            data-kind={hop.kind}
            data-hop={hop.where}
            {...(hop.isRepeated === true ? { 'data-repeated': true } : {})}
          >
            <Table.Td>
              <When hop={hop} />
            </Table.Td>
            <Table.Td className={classes['wide'] ?? ''}>
              <Place share={placeOf(hop, hops)} before={placeOf(hops[index - 1] ?? hop, hops)} />
            </Table.Td>
            <Table.Td>
              <Where hop={hop} />
            </Table.Td>
            <Table.Td>
              <What hop={hop} />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}

function When({ hop: { at, afterMs, stepMs } }: { hop: TraceHop }) {
  const { t } = useTranslation('order')
  const { duration, time } = useNumbers()
  if (at === null || afterMs === null) return null
  const ms = String(new Date(at).getUTCMilliseconds()).padStart(3, '0')
  return (
    <div className={classes['when']}>
      <strong>{afterMs === 0 ? t('first') : duration(afterMs / 1000)}</strong>
      {stepMs === null || afterMs === 0 ? null : <span>{t('step', { time: duration(stepMs / 1000) })}</span>}
      <time dateTime={at}>
        {time(at)}.{ms}
      </time>
    </div>
  )
}

/** Where on the way from the first to the last hop, and how long it took from the one before. For the eye; `When` has the numbers. */
function Place({ share, before }: { share: number | undefined; before: number | undefined }) {
  if (share === undefined) return null
  const from = before ?? share
  return (
    <div className={classes['track']} aria-hidden>
      <span className={classes['step']} style={{ left: `${from * 100}%`, width: `${(share - from) * 100}%` }} />
      <span className={classes['dot']} style={{ left: `${share * 100}%` }} />
    </div>
  )
}

function Where({ hop: { where, kind, record } }: { hop: TraceHop }) {
  const { t } = useTranslation('order')
  return (
    <div className={classes['where']}>
      <Text size="sm" fw={600}>
        {where}
      </Text>
      <Text size="xs" c="dimmed">
        {t(`kind_${kind}`)}
      </Text>
      {record === undefined ? null : (
        <Anchor
          component={Link}
          to={`/topics/${record.topic}/${record.partition}/${record.offset}`}
          size="xs"
          py={3}
          display="inline-block"
        >
          {kind === 'record' ? '' : `${record.topic}, `}
          {t('record', record)}
        </Anchor>
      )}
    </div>
  )
}

function What({ hop }: { hop: TraceHop }) {
  const { t } = useTranslation('order')
  const { what, version, record, isRepeated, kind } = hop
  const cause = causeOf(hop)
  const story = storyOf(hop)
  const sentence =
    story === 'applied'
      ? what
      : story === 'waitsForHandler'
        ? t('story_waitsForHandler', { count: attemptsOf(what) ?? 1 })
        : t(`story_${story}`, { what, cause })
  return (
    <div className={classes['what']} data-story={story}>
      <Group gap={6}>
        {isRepeated === true ? (
          <Badge color="orange" variant="light" tt="none">
            ↻ {t('repeated')}
          </Badge>
        ) : null}
        {kind === 'waiting' ? (
          <Badge color="yellow" variant="light" tt="none">
            ❚❚ {t('waiting')}
          </Badge>
        ) : null}
        <Text size="sm">{sentence}</Text>
      </Group>
      <Text size="xs" c="dimmed">
        {version === undefined ? null : t('version', { version })}
        {record?.traceId === undefined ? null : (
          <>
            {' '}
            · {t('trace')} <Code fz={11}>{record.traceId}</Code>
          </>
        )}
      </Text>
    </div>
  )
}

function keyOf({ where, kind, what, version, record }: TraceHop, index: number): string {
  return record === undefined
    ? `${where} ${kind} ${what} ${version} ${index}`
    : `${kind} ${where} ${record.topic} ${record.partition} ${record.offset}`
}
