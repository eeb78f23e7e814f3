import {
  AppShell,
  Anchor,
  Badge,
  Burger,
  Button,
  Group,
  NavLink,
  SegmentedControl,
  Text,
  VisuallyHidden,
} from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { Link, Outlet, useRouterState } from '@tanstack/react-router'
import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { reopenLive, useLive } from '../api/live.ts'
import { logOut, useSession } from '../api/session.ts'
import { chooseLanguage, type Language } from '../language/language.ts'
import { ColourChoice } from './ColourChoice.tsx'
import { LogIn } from './LogIn.tsx'

const PAGES = ['live', 'order', 'topics', 'groups', 'cluster', 'shop', 'sales'] as const
const PATHS = {
  live: '/',
  order: '/order',
  topics: '/topics',
  groups: '/groups',
  cluster: '/cluster',
  shop: '/shop',
  sales: '/sales',
} as const satisfies Record<(typeof PAGES)[number], string>

/** What stands around every page: the list of pages, who is logged in, language and colours, and whether the gateway answers. */
export function Shell() {
  const { t, i18n } = useTranslation('shell')
  const [isOpen, { toggle, close }] = useDisclosure()
  const path = useRouterState({ select: ({ location }) => location.pathname })
  const { stream } = useLive()
  const isLoggedOut = stream.is === 'broken' && ['unauthenticated', 'forbidden'].includes(stream.problem.code)
  useEffect(() => close(), [path, close])
  return (
    <AppShell
      header={{ height: 52 }}
      navbar={{ width: 190, breakpoint: 'sm', collapsed: { mobile: !isOpen } }}
      padding="md"
    >
      <Anchor href="#content" className="skip">
        {t('skip')}
      </Anchor>
      <AppShell.Header>
        <Group h="100%" px="md" gap="sm" wrap="nowrap" justify="space-between">
          <Group gap="sm" wrap="nowrap">
            <Burger opened={isOpen} onClick={toggle} hiddenFrom="sm" size="sm" aria-label={t('openNavigation')} />
            <Anchor component={Link} to="/" fw={700} underline="never" c="inherit">
              Timesale
            </Anchor>
            <Connection />
          </Group>
          <Group gap="xs" wrap="nowrap">
            <SegmentedControl
              size="xs"
              aria-label={t('language')}
              value={i18n.language}
              onChange={(language) => chooseLanguage(language as Language)}
              data={[
                { value: 'en', label: <span lang="en">EN</span> },
                { value: 'ko', label: <span lang="ko">한국어</span> },
              ]}
            />
            <ColourChoice />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" component="nav" aria-label={t('navigation')}>
        <AppShell.Section grow>
          {PAGES.map((page) => (
            <NavLink
              key={page}
              component={Link}
              to={PATHS[page]}
              label={t(page)}
              active={page === 'live' ? path === '/' : path.startsWith(PATHS[page])}
              {...(path === PATHS[page] ? { 'aria-current': 'page' as const } : {})}
            />
          ))}
        </AppShell.Section>
        <AppShell.Section>
          <Who />
          <Anchor href="/docs" size="xs" px="sm">
            {t('api')}
          </Anchor>
        </AppShell.Section>
      </AppShell.Navbar>
      <AppShell.Main id="content">
        {isLoggedOut ? <LogIn seat="operator" onDone={reopenLive} /> : <Outlet />}
      </AppShell.Main>
    </AppShell>
  )
}

function Connection() {
  const { t } = useTranslation('shell')
  const { is } = useLive().stream
  const [colour, words] =
    is === 'open'
      ? (['green', t('connected')] as const)
      : is === 'connecting'
        ? (['gray', t('connecting')] as const)
        : (['red', t('disconnected')] as const)
  return (
    <span role="status">
      <Badge color={colour} variant="dot" size="sm" visibleFrom="xs">
        {words}
      </Badge>
      <VisuallyHidden hiddenFrom="xs">{words}</VisuallyHidden>
    </span>
  )
}

function Who() {
  const { t } = useTranslation('shell')
  const session = useSession('operator')
  if (session === undefined) return null
  return (
    <Group gap="xs" px="sm" pb="xs">
      <Text size="xs" c="dimmed">
        {session.name}
      </Text>
      <Button
        size="compact-xs"
        variant="subtle"
        onClick={() => {
          void logOut('operator').then(reopenLive)
        }}
      >
        {t('logOut')}
      </Button>
    </Group>
  )
}
