import { Group, Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'

/** Numbers with their names: a description list, in a row where there is room. */
export function Facts({ facts }: { facts: readonly (readonly [name: string, value: ReactNode])[] }) {
  return (
    <Group component="dl" gap="xl" m={0}>
      {facts.map(([name, value]) => (
        <Stack key={name} gap={0}>
          <Text component="dt" size="xs" c="dimmed">
            {name}
          </Text>
          <Text component="dd" m={0} fw={600}>
            {value}
          </Text>
        </Stack>
      ))}
    </Group>
  )
}
