import { Box } from '@mantine/core'
import type { EChartsCoreOption } from 'echarts/core'
import { lazy, Suspense } from 'react'

// What draws is large, so no page waits for it.
const DrawnChart = lazy(async () => ({ default: (await import('./DrawnChart.tsx')).DrawnChart }))

export interface ChartProps {
  /** Series that have an `id` move from one option to the next; others are drawn anew. Keep the same object for the same chart. */
  readonly option: EChartsCoreOption
  readonly height: number
  /** What is to be seen, for those who cannot: the outcome and not only the axes. */
  readonly label: string
}

/** Lines or bars in the colours of the page. */
export function Chart(props: ChartProps) {
  return (
    <Suspense fallback={<Box h={props.height} role="img" aria-label={props.label} />}>
      <DrawnChart {...props} />
    </Suspense>
  )
}
