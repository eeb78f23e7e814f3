import { Group, Stack, Title } from '@mantine/core'
import { useEffect, useRef, type ReactNode } from 'react'

let isFirst = true

/** A page: its one heading, which is focused when the page comes, so that a screen reader reads it; then what it shows. */
export function Page({ title, beside, children }: { title: string; beside?: ReactNode; children: ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${title} · Timesale`
  }, [title])
  useEffect(() => {
    // Not where the visit begins: there the first Tab is to lead to the link that skips the list of pages.
    if (!isFirst) heading.current?.focus({ preventScroll: true })
    isFirst = false
  }, [])
  return (
    <Stack gap="md">
      <Group justify="space-between" align="center" gap="sm">
        <Title order={1} size="h2" tabIndex={-1} ref={heading} style={{ outline: 'none' }}>
          {title}
        </Title>
        {beside}
      </Group>
      {children}
    </Stack>
  )
}
