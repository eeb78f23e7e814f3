import { Group, Paper, Title } from '@mantine/core'
import type { EChartsCoreOption } from 'echarts/core'
import { useMemo, useSyncExternalStore } from 'react'
import { useTranslation } from 'react-i18next'
import { Age } from '../../ui/Age.tsx'
import { Chart } from '../../ui/Chart.tsx'
import { useNumbers, type Numbers } from '../../ui/numbers.ts'
import { useNow } from '../../ui/use-now.ts'
import { endOf, keptSamples, onSample, pointsOf, samplesBefore, type Sample } from './samples.ts'

const HEIGHT = 240
/** An axis whose ends are the same would be of two days. */
const SHORTEST_MS = 10_000

/** Orders a second and lag over the last minutes, as far as somebody has looked. */
export function LiveCharts() {
  const { t } = useTranslation('live')
  const { whole, perSecond, time } = useNumbers()
  const kept = useSyncExternalStore(onSample, keptSamples)
  // The same while samples come, so that nothing is drawn again between two.
  const end = endOf(kept, useNow())
  const samples = useMemo(() => samplesBefore(kept, end), [end, kept])
  // What was so a while ago is not so now.
  const last = samples.findLast(({ at }) => at === end)
  // Without those of which nothing was ever known.
  const groups = useMemo(
    () => [
      ...new Set(samples.flatMap(({ lags }) => Object.keys(lags).filter((group) => typeof lags[group] === 'number'))),
    ],
    [samples],
  )
  const said = (value: number | null | undefined): string =>
    value === null || value === undefined ? t('notKnown') : perSecond(value)

  const axes = useMemo(
    () => axesOf({ time, whole, start: Math.min(samples[0]?.at ?? end, end - SHORTEST_MS), end }),
    [time, whole, samples, end],
  )
  const orders = useMemo(
    () =>
      lines(axes, samples, [
        [t('accepted'), ({ accepted }) => accepted],
        [t('confirmed'), ({ confirmed }) => confirmed],
      ]),
    [axes, samples, t],
  )
  const lags = useMemo(
    () =>
      lines(
        axes,
        samples,
        groups.map((group) => [group, ({ lags: known }) => known[group]] as const),
      ),
    [axes, samples, groups],
  )
  return (
    <>
      <Paper withBorder p="md" component="section" aria-label={t('chartOrders')}>
        <Group justify="space-between" gap="xs">
          <Title order={2} size="h5">
            {t('chartOrders')}
          </Title>
          <Age asOf={newestOf(samples, ({ accepted }) => accepted !== null)} />
        </Group>
        <Chart
          option={orders}
          height={HEIGHT}
          label={t('chartOrdersLabel', { accepted: said(last?.accepted), confirmed: said(last?.confirmed) })}
        />
      </Paper>
      <Paper withBorder p="md" component="section" aria-label={t('chartLag')}>
        <Group justify="space-between" gap="xs">
          <Title order={2} size="h5">
            {t('chartLag')}
          </Title>
          <Age asOf={newestOf(samples, ({ lags }) => Object.values(lags).some((lag) => lag !== null))} />
        </Group>
        <Chart
          option={lags}
          height={HEIGHT}
          label={t('chartLagLabel', {
            lags: groups.map((group) => `${group} ${lagText(last?.lags[group])}`).join(', ') || t('notKnown'),
          })}
        />
      </Paper>
    </>
  )

  function lagText(value: number | null | undefined): string {
    return value === null || value === undefined ? t('notKnown') : whole(value)
  }
}

/** When that was known last which a chart is of. */
function newestOf(samples: readonly Sample[], isKnown: (sample: Sample) => boolean): string | undefined {
  const newest = samples.findLast(isKnown)
  return newest === undefined ? undefined : new Date(newest.at).toISOString()
}

type Line = readonly [name: string, valueOf: (sample: Sample) => number | null | undefined]

// Drawn anew each second, so nothing is animated: a line that is still on its way is never right.
function lines(axes: EChartsCoreOption, samples: readonly Sample[], wanted: readonly Line[]): EChartsCoreOption {
  return {
    ...axes,
    series: wanted.map(([name, valueOf], index) => ({
      id: name,
      name,
      type: 'line',
      showSymbol: false,
      // Told apart without their colours as well.
      lineStyle: { width: 2, type: (['solid', 'dashed', 'dotted'] as const)[index % 3] },
      data: pointsOf(samples, valueOf),
    })),
  }
}

function axesOf({
  time,
  whole,
  start,
  end,
}: Pick<Numbers, 'time' | 'whole'> & { start: number; end: number }): EChartsCoreOption {
  return {
    animation: false,
    grid: { left: 8, right: 12, top: 64, bottom: 4, containLabel: true },
    legend: { top: 0, type: 'plain', itemWidth: 28, itemHeight: 8 },
    tooltip: { trigger: 'axis', valueFormatter: (value: unknown) => (typeof value === 'number' ? whole(value) : '–') },
    xAxis: {
      type: 'time',
      min: start,
      max: end,
      axisLabel: { hideOverlap: true, formatter: (at: number) => time(new Date(at).toISOString()) },
    },
    yAxis: { type: 'value', min: 0, minInterval: 1, axisLabel: { formatter: whole } },
  }
}
