import { Box, useComputedColorScheme } from '@mantine/core'
import { useReducedMotion } from '@mantine/hooks'
import { BarChart, LineChart } from 'echarts/charts'
import { DatasetComponent, GridComponent, LegendComponent, TooltipComponent } from 'echarts/components'
import { type EChartsType, init, use as register } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'
import { useEffect, useRef } from 'react'
import type { ChartProps } from './Chart.tsx'

register([LineChart, BarChart, DatasetComponent, GridComponent, LegendComponent, TooltipComponent, CanvasRenderer])

/** Told apart by people who see red and green alike, 3 to 1 against the page (Okabe and Ito, darker and lighter). */
const PALETTES: Readonly<Record<'light' | 'dark', string[]>> = {
  light: ['#0072b2', '#c04f00', '#00795a', '#a3457f', '#7a6200', '#3a6ea5', '#4a525c', '#b3365b'],
  dark: ['#56b4e9', '#e69f00', '#2fc496', '#e39ac4', '#f0e442', '#9db8d9', '#c9d1d9', '#ff9e8a'],
}

/** The part of a chart that needs ECharts. */
export function DrawnChart({ option, height, label }: ChartProps) {
  const box = useRef<HTMLDivElement>(null)
  const chart = useRef<EChartsType>(undefined)
  const scheme = useComputedColorScheme('light')
  const isStill = useReducedMotion()

  useEffect(() => {
    if (box.current === null) return
    const drawn = init(box.current, scheme === 'dark' ? 'dark' : undefined)
    const resizing = new ResizeObserver(() => drawn.resize())
    resizing.observe(box.current)
    chart.current = drawn
    return () => {
      resizing.disconnect()
      drawn.dispose()
      chart.current = undefined
    }
  }, [scheme])

  useEffect(() => {
    if (box.current === null) return
    chart.current?.setOption(
      {
        color: PALETTES[scheme],
        backgroundColor: 'transparent',
        // A canvas inherits nothing.
        textStyle: { fontFamily: getComputedStyle(box.current).fontFamily },
        ...option,
        ...(isStill ? { animation: false } : {}),
      },
      { replaceMerge: ['series', 'dataset'] },
    )
  }, [option, scheme, isStill])

  return <Box ref={box} h={height} w="100%" role="img" aria-label={label} />
}
