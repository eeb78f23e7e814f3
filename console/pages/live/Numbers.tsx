import { Text } from '@mantine/core'
import { Fragment, type ReactNode } from 'react'
import { Age } from '../../ui/Age.tsx'

export type NumberLine = readonly [name: string, value: ReactNode, asOf: string | undefined]

/** Numbers one below the other, each with its age. */
export function Numbers({ lines }: { lines: readonly NumberLine[] }) {
  if (lines.length === 0) return null
  return (
    <dl
      style={{
        display: 'grid',
        gridTemplateColumns: 'auto 1fr auto',
        gap: '2px 10px',
        margin: 0,
        alignItems: 'baseline',
      }}
    >
      {lines.map(([name, value, asOf]) => (
        <Fragment key={name}>
          <Text component="dt" size="xs" c="dimmed">
            {name}
          </Text>
          <Text component="dd" size="sm" fw={600} m={0}>
            {value}
          </Text>
          <Text component="dd" size="xs" m={0}>
            <Age asOf={asOf} />
          </Text>
        </Fragment>
      ))}
    </dl>
  )
}
