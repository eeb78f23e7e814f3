import { Alert, Anchor, Button, Group, Stack, Switch, Text, TextInput } from '@mantine/core'
import { getRouteApi, Link } from '@tanstack/react-router'
import type { FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import type { RecordPage, TopicDetail } from '@timesale/contracts/console-api'
import { useAbout } from '../../api/use-about.ts'
import { useGet, withQuery } from '../../api/use-get.ts'
import { Age } from '../../ui/Age.tsx'
import { Facts } from '../../ui/Facts.tsx'
import { Loaded } from '../../ui/Loaded.tsx'
import { useNumbers } from '../../ui/numbers.ts'
import { Page } from '../../ui/Page.tsx'
import { DeleteTopic } from './DeleteTopic.tsx'
import { NO_SEARCH } from './no-search.ts'
import { Partitions } from './Partitions.tsx'
import { Produce } from './Produce.tsx'
import { RecordTable } from './RecordTable.tsx'
import { GroupLinks, KindBadge } from './TopicsPage.tsx'
import type { Tail } from './tail.ts'
import { useTail } from './use-tail.ts'

const route = getRouteApi('/topics/$topic')
const EVERY_MS = 2_000
const NEWEST_EVERY_MS = 3_000
/** When what should be new is old: what is told every few seconds, and what was searched for once. */
const OLD_AFTER_S = 8
const FOUND_OLD_AFTER_S = 60

/** One topic: its partitions, its records, and what may be done with it. */
export function TopicPage() {
  const { topic } = route.useParams()
  const { t } = useTranslation('topics')
  const { whole, perSecond } = useNumbers()
  const about = useAbout()
  const detail = useGet<TopicDetail>('operator', `/api/console/topics/${topic}`, { everyMs: EVERY_MS })
  return (
    <Page title={topic} beside={<Age asOf={detail.data?.asOf} oldAfterSeconds={OLD_AFTER_S} />}>
      <Loaded query={detail}>
        {(told) => (
          <>
            <Facts
              facts={[
                [t('kind'), <KindBadge key="kind" kind={told.kind} />],
                [t('records'), whole(told.records)],
                [t('perSecond'), told.perSecond === null ? '–' : perSecond(told.perSecond)],
                [t('producers'), told.producers.join(', ') || '–'],
                [t('readers'), <GroupLinks key="groups" groups={told.groups} />],
              ]}
            />
            <Partitions detail={told} />
          </>
        )}
      </Loaded>
      <Records topic={topic} />
      {detail.data?.protected === true ? (
        <Text size="sm" c="dimmed">
          {t('protected')}
        </Text>
      ) : null}
      {detail.data?.protected === false && about?.actions === true ? (
        <>
          <Produce topic={topic} partitions={detail.data.partitions} />
          <DeleteTopic topic={topic} />
        </>
      ) : null}
    </Page>
  )
}

function Records({ topic }: { topic: string }) {
  const { t } = useTranslation('topics')
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const isTailing = search.tail !== undefined
  const tail = useTail(topic, isTailing)
  const { key, text, partition, from, since } = search
  // What was searched for is read when somebody asks for it: it may take the brokers a while.
  const isNewest = [key, text, from, since].every((field) => field === undefined)
  const found = useGet<RecordPage>(
    'operator',
    withQuery(`/api/console/topics/${topic}/records`, { key, text, partition, from, since }),
    { enabled: !isTailing, ...(isNewest ? { everyMs: NEWEST_EVERY_MS } : {}) },
  )
  return (
    <Stack component="section" gap="sm" aria-label={t('records')}>
      <Search topic={topic} onAgain={() => void found.refetch({ cancelRefetch: false })} />
      <Switch
        label={t('tail')}
        checked={isTailing}
        onChange={(event) => {
          const tail = event.currentTarget.checked ? 'on' : undefined
          void navigate({ search: { ...NO_SEARCH, tail } })
        }}
      />
      {isTailing ? (
        <>
          <TailState tail={tail} />
          {tail.lostAt === undefined ? null : <Lost topic={topic} at={tail.lostAt} />}
          {tail.skipped > 0 ? <Alert color="yellow">{t('skipped', { count: tail.skipped })}</Alert> : null}
          <RecordTable records={tail.records} />
        </>
      ) : (
        <Loaded query={found}>
          {(page) => (
            <>
              <Group gap="sm">
                <Text size="sm" c="dimmed" {...(isNewest ? {} : { role: 'status' })}>
                  {t('searched', { count: page.searched })}
                </Text>
                <Age asOf={page.asOf} oldAfterSeconds={isNewest ? OLD_AFTER_S : FOUND_OLD_AFTER_S} />
              </Group>
              {page.complete ? null : <Alert color="yellow">{t('incomplete')}</Alert>}
              <RecordTable records={page.records} />
            </>
          )}
        </Loaded>
      )}
    </Stack>
  )
}

/** Whether records come at all, and how old that is. */
function TailState({ tail: { stream, heard } }: { tail: Tail }) {
  const { t } = useTranslation('topics')
  const isAway = heard?.reachable === false
  return (
    <Group gap="sm">
      <Text size="sm" role="status" {...(isAway ? { c: 'orange', fw: 600 } : { c: 'dimmed' })} data-reachable={!isAway}>
        {stream.is === 'broken' ? t('streamBroken') : isAway ? t('kafkaAway') : t('tailing')}
      </Text>
      <Age asOf={heard?.at} oldAfterSeconds={OLD_AFTER_S} />
    </Group>
  )
}

/** What came while nobody followed is on the topic all the same. */
function Lost({ topic, at }: { topic: string; at: string }) {
  const { t } = useTranslation('topics')
  const { time } = useNumbers()
  return (
    <Alert color="yellow" role="status" data-lost={at}>
      {t('lost')}{' '}
      <Anchor
        size="sm"
        underline="always"
        renderRoot={(root: object) => (
          <Link {...root} to="/topics/$topic" params={{ topic }} search={{ ...NO_SEARCH, since: at }} />
        )}
      >
        {t('lostSince', { time: time(at) })}
      </Anchor>
    </Alert>
  )
}

const FIELDS = ['key', 'text', 'partition', 'from'] as const

/** `onAgain`: the same is asked for once more, which leads nowhere else. */
function Search({ topic, onAgain }: { topic: string; onAgain: () => void }) {
  const { t } = useTranslation('topics')
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const show = (wanted: typeof search): void => {
    const isSame = (Object.keys(NO_SEARCH) as (keyof typeof search)[]).every((name) => wanted[name] === search[name])
    if (isSame) onAgain()
    else void navigate({ search: wanted })
  }
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const fields = new FormData(event.currentTarget)
    const given = (name: string): string | undefined => {
      const value = fields.get(name)
      return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined
    }
    const since = given('since')
    show({
      key: given('key'),
      text: given('text'),
      partition: given('partition'),
      from: given('from'),
      // What the field holds is of the reader's own time zone.
      since: since === undefined ? undefined : new Date(since).toISOString(),
      tail: undefined,
    })
  }
  return (
    // Its fields are what the address says, so they are made anew with it.
    <form onSubmit={submit} role="search" aria-label={t('search')} key={JSON.stringify([topic, search])}>
      <Group align="flex-end" gap="sm">
        {FIELDS.map((name) => (
          <TextInput
            key={name}
            name={name}
            label={t(name)}
            {...(name === 'from' ? { placeholder: t('fromHint') } : {})}
            {...(name === 'from' || name === 'partition' ? { inputMode: 'numeric', w: 130 } : {})}
            defaultValue={search[name] ?? ''}
          />
        ))}
        <TextInput
          name="since"
          type="datetime-local"
          step={1}
          label={t('since')}
          defaultValue={search.since === undefined ? '' : localTime(search.since)}
        />
        <Button type="submit">{t('find')}</Button>
        <Button
          variant="subtle"
          // What was typed and not yet looked for goes, too.
          type="reset"
          onClick={() => show(NO_SEARCH)}
        >
          {t('clear')}
        </Button>
      </Group>
    </form>
  )
}

/** As an input of type datetime-local holds it. */
function localTime(instant: string): string {
  const date = new Date(instant)
  if (Number.isNaN(date.getTime())) return ''
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19)
}
