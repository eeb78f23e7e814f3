import { Badge, Button, Group, NumberInput, Paper, Stack, Text, Title } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { LiveView, RushView, StartRush } from '@timesale/contracts/console-api'
import { call } from '../../api/call.ts'
import { useAbout } from '../../api/use-about.ts'
import { Age } from '../../ui/Age.tsx'
import { useNumbers } from '../../ui/numbers.ts'
import { ProblemNote } from '../../ui/ProblemNote.tsx'
import { useNow } from '../../ui/use-now.ts'
import classes from './live.module.css'

const PATH = '/api/console/rush'
/** A line that says how it goes is long, and the one before it is old. */
const NEWEST = 2

/** Begins a rush of buyers, ends it, and tells how it goes. */
export function Rush({ told }: { told: LiveView['rush'] | undefined }) {
  const { t } = useTranslation('live')
  const about = useAbout()
  const rush = told?.last
  const mayAct = about?.actions === true && about.supervised
  return (
    <Paper withBorder p="md" component="section" aria-label={t('rush')}>
      <Stack gap="sm">
        <Group justify="space-between" gap="xs">
          <Title order={2} size="h5">
            {t('rush')}
          </Title>
          <Age asOf={told?.asOf} />
        </Group>
        <Text size="sm">{t('rushWhy')}</Text>
        {mayAct ? rush?.state === 'running' ? <StopRush /> : <StartForm /> : null}
        {rush === null || rush === undefined ? (
          <Text size="sm" c="dimmed">
            {rush === null ? t('rushNone') : t('notKnown')}
          </Text>
        ) : (
          <LastRush rush={rush} />
        )}
      </Stack>
    </Paper>
  )
}

function StartForm() {
  const { t } = useTranslation('live')
  const [buyers, setBuyers] = useState<string | number>(5_000)
  const [units, setUnits] = useState<string | number>(500)
  const [perSecond, setPerSecond] = useState<string | number>(500)
  const [seed, setSeed] = useState<string | number>('')
  const starting = useMutation({
    mutationFn: (body: StartRush) => call('operator', PATH, { method: 'POST', body }),
  })
  const whole = { allowDecimal: false, allowNegative: false, size: 'xs' } as const
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        const given = { buyers, units, perSecond, seed }
        starting.mutate(
          Object.fromEntries(
            Object.entries(given).flatMap(([name, value]) => (value === '' ? [] : [[name, Number(value)]])),
          ),
        )
      }}
    >
      <Stack gap="xs">
        <Group gap="xs" align="flex-end" grow>
          <NumberInput {...whole} label={t('rushBuyers')} value={buyers} onChange={setBuyers} min={1} max={200_000} />
          <NumberInput {...whole} label={t('rushUnits')} value={units} onChange={setUnits} min={1} max={100_000} />
        </Group>
        <Group gap="xs" align="flex-end" grow>
          <NumberInput
            {...whole}
            label={t('rushRate')}
            value={perSecond}
            onChange={setPerSecond}
            min={1}
            max={20_000}
          />
          <NumberInput
            {...whole}
            label={t('rushSeed')}
            placeholder={t('rushSeedHint')}
            value={seed}
            onChange={setSeed}
            min={0}
            max={999_999_999}
            hideControls
          />
        </Group>
        <Group>
          <Button type="submit" size="sm" loading={starting.isPending}>
            {t('rushStart')}
          </Button>
        </Group>
        {starting.isError ? <ProblemNote error={starting.error} /> : null}
      </Stack>
    </form>
  )
}

function StopRush() {
  const { t } = useTranslation('live')
  const stopping = useMutation({ mutationFn: () => call('operator', PATH, { method: 'DELETE' }) })
  return (
    <Stack gap="xs">
      <Group>
        <Button size="sm" color="orange" loading={stopping.isPending} onClick={() => stopping.mutate()}>
          {t('rushStop')}
        </Button>
      </Group>
      {stopping.isError ? <ProblemNote error={stopping.error} /> : null}
    </Stack>
  )
}

const COLOURS: Readonly<Record<RushView['state'], string>> = {
  ...{ running: 'blue', held: 'green', broken: 'red', failed: 'orange', stopped: 'gray' },
}
const SIGNS: Readonly<Record<RushView['state'], string>> = {
  ...{ running: '…', held: '✓', broken: '✕', failed: '!', stopped: '■' },
}

function LastRush({ rush }: { rush: RushView }) {
  const { t } = useTranslation('live')
  const { whole, duration } = useNumbers()
  const now = useNow()
  const { state, startedAt, endedAt, buyers, units, seed, says } = rush
  const seconds = Math.max(0, ((endedAt === null ? now : Date.parse(endedAt)) - Date.parse(startedAt)) / 1000)
  const time = duration(Math.round(seconds))
  return (
    <Stack gap="xs" data-rush={state}>
      <Group gap="xs">
        <Badge color={COLOURS[state]} variant="light" role="status" tt="none">
          {SIGNS[state]} {t(`rush_${state}`)}
        </Badge>
        <Text size="xs" c="dimmed">
          {endedAt === null ? t('rushSince', { time }) : t('rushTook', { time })}
        </Text>
      </Group>
      <Text size="xs" c="dimmed">
        {t('rushTold', { buyers: whole(buyers), units: whole(units), seed })}
      </Text>
      {says.length === 0 ? null : (
        <pre className={classes['says']} tabIndex={0} role="region" aria-label={t('rushSays')}>
          {(endedAt === null ? says.slice(-NEWEST) : says).join('\n')}
        </pre>
      )}
    </Stack>
  )
}
