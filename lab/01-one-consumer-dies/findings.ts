import { shown } from '../framework/chart.ts'
import { inBoth, sameText, type Claim, type Figure, type Text, type Work } from '../framework/experiment.ts'
import { CAUGHT_UP_WITHIN_S, type Outages } from './outages.ts'
import { everyWay, WAYS, type Way } from './ways.ts'

/** Of each run. */
export type Results = Readonly<Record<Way, Outages[]>>

const IN_A_RUN: Text = { en: 'in a run of two outages', ko: '장애 두 번을 겪는 한 회당' }

const WRITTEN: Text = { en: 'orders written', ko: '기록한 주문' }

export function claimsOf({ 'in-request': inRequest, afterwards, events }: Results): Claim[] {
  const asked = total(inRequest, ({ stockAway }) => stockAway.asked)
  const refused = total(inRequest, ({ stockAway }) => stockAway.refused)
  const slow = total(inRequest, ({ stockAway }) => stockAway.slow)
  const slowForNotice = total(inRequest, ({ noticeAway }) => noticeAway.slow)
  const withoutNotice = total(inRequest, (one) => one.withoutNotice)
  const meanwhile = (outages: readonly Outages[]): Text => {
    const notices = total(outages, (one) => one.noticesMeanwhile)
    const orders = total(outages, (one) => one.acceptedMeanwhile)
    return { en: `${notices} notices of ${orders} orders`, ko: `주문 ${orders}건에 알림 ${notices}건` }
  }
  const toDo = [...afterwards.map((one) => one.stockCaughtUp), ...events.flatMap(caughtUpOf)]
  const most = (outages: readonly Outages[], who: 'stockCaughtUp' | 'noticesCaughtUp'): string =>
    shown(Math.max(...outages.map((one) => one[who])))
  const [stockAfterwards, stock, notification] = [
    most(afterwards, 'stockCaughtUp'),
    most(events, 'stockCaughtUp'),
    most(events, 'noticesCaughtUp'),
  ]
  return [
    {
      text: {
        en: 'Called in the request: while stock is dead buyers wait, and are turned away',
        ko: '요청 안에서 호출: stock이 죽은 동안 구매자는 기다리다 거절당한다',
      },
      holds: inRequest.every(({ stockAway }) => stockAway.refused > 0 && stockAway.slow > 0),
      because: {
        en: `of ${asked} who came meanwhile ${slow} waited for more than a second, and ${refused} were turned away`,
        ko: `그동안 온 ${asked}명 가운데 ${slow}명이 1초 넘게 기다렸고 ${refused}명이 거절당했다`,
      },
    },
    {
      text: {
        en: 'While notification is dead they wait as well, for a notice that never comes',
        ko: 'notification이 죽은 동안에도 기다리지만, 기다린 알림은 끝내 오지 않는다',
      },
      holds: inRequest.every((one) => one.noticeAway.slow > 0 && one.withoutNotice > 0),
      because: {
        en: `${slowForNotice} waited for more than a second, and ${withoutNotice} accepted orders have no notice`,
        ko: `${slowForNotice}명이 1초 넘게 기다렸고, 받아들인 주문 가운데 ${withoutNotice}건에 알림이 없다`,
      },
    },
    {
      text: {
        en: 'Called afterwards nobody is turned away, and all is made up for; but what is still to be told dies with the order program',
        ko: '나중에 호출하면 아무도 거절당하지 않고 밀린 일도 다 한다. 다만 아직 알리지 못한 것은 주문 프로그램과 함께 사라진다',
      },
      holds: afterwards.every(({ all, unwritten, withoutReservation, withoutNotice }) => {
        return all.refused === 0 && unwritten === 0 && withoutReservation === 0 && withoutNotice > 0
      }),
      because: kept(afterwards),
    },
    {
      text: {
        en: 'With events nobody is turned away and nothing is lost, though the order program died as well',
        ko: '이벤트로 알리면 주문 프로그램까지 죽어도 거절당하는 구매자가 없고 잃는 것도 없다',
      },
      holds: events.every(({ all, unwritten, withoutReservation, withoutNotice }) => {
        return all.refused === 0 && unwritten === 0 && withoutReservation === 0 && withoutNotice === 0
      }),
      because: kept(events),
    },
    {
      text: {
        en: 'With events notification goes on while stock is dead; called in the request it has nothing to do',
        ko: '이벤트로 알리면 stock이 죽은 동안에도 notification은 계속 일하고, 요청 안에서 호출하면 할 일이 없다',
      },
      // Half of them, as the latest notices are under way when that time ends.
      holds:
        events.length > 0 &&
        events.every((one) => one.acceptedMeanwhile > 0 && one.noticesMeanwhile >= one.acceptedMeanwhile / 2) &&
        inRequest.every((one) => one.noticesMeanwhile === 0),
      because: {
        en: `written in that time, of orders accepted in it: ${meanwhile(events).en} with events, ${meanwhile(inRequest).en} called in the request`,
        ko: `그동안 받아들인 주문과 그동안 쓴 알림: 이벤트는 ${meanwhile(events).ko}, 요청 안에서 호출은 ${meanwhile(inRequest).ko}`,
      },
    },
    {
      text: {
        en: `Who comes back has made up for everything within ${CAUGHT_UP_WITHIN_S} s, called afterwards or told by events`,
        ko: `돌아온 프로그램은 나중에 호출하든 이벤트로 알리든 밀린 일을 ${CAUGHT_UP_WITHIN_S}초 안에 다 한다`,
      },
      // Nothing to make up for would be no answer.
      holds:
        [...afterwards, ...events].every(({ inTime }) => inTime) &&
        toDo.length > 0 &&
        toDo.every((seconds) => seconds > 0 && seconds <= CAUGHT_UP_WITHIN_S),
      because: {
        en: `at most: stock ${stockAfterwards} s called afterwards, ${stock} s with events; notification ${notification} s with events`,
        ko: `가장 오래 걸린 것: stock은 나중에 호출 ${stockAfterwards}초, 이벤트 ${stock}초; notification은 이벤트 ${notification}초`,
      },
    },
  ]
}

export function workOf(results: Results, kills: number): Work[] {
  return [
    ...everyWay().map((way) => ({
      what: inBoth((language) => `${WRITTEN[language]}, ${WAYS[way][language]}`),
      count: total(results[way], (one) => one.written),
    })),
    { what: { en: 'programs killed', ko: '죽인 프로그램' }, count: kills },
  ]
}

export function figuresOf(results: Results): Figure[] {
  const figure = (title: Text, unit: Text, ways: readonly Way[], value: (one: Outages) => number): Figure => ({
    ...{ title, unit },
    bars: ways.map((way) => ({ side: WAYS[way], values: results[way].map(value) })),
  })
  return [
    figure(
      { en: 'Buyers who were turned away', ko: '거절당한 구매자' },
      IN_A_RUN,
      everyWay(),
      ({ all }) => all.refused,
    ),
    figure(
      { en: 'Buyers who waited for more than a second', ko: '1초 넘게 기다린 구매자' },
      IN_A_RUN,
      everyWay(),
      ({ all }) => all.slow,
    ),
    figure(
      { en: 'Accepted orders whose notice never came', ko: '받아들였지만 알림이 끝내 오지 않은 주문' },
      IN_A_RUN,
      everyWay(),
      ({ withoutNotice }) => withoutNotice,
    ),
    figure(
      {
        en: 'From the start of stock until it has made up for everything',
        ko: 'stock을 다시 띄우고 밀린 일을 다 할 때까지',
      },
      sameText('s'),
      ['afterwards', 'events'],
      ({ stockCaughtUp }) => stockCaughtUp,
    ),
    figure(
      { en: 'From the start of notification until it has', ko: 'notification을 다시 띄우고 밀린 일을 다 할 때까지' },
      sameText('s'),
      ['events'],
      ({ noticesCaughtUp }) => noticesCaughtUp,
    ),
  ]
}

function caughtUpOf({ stockCaughtUp, noticesCaughtUp }: Outages): number[] {
  return [stockCaughtUp, noticesCaughtUp]
}

function total(outages: readonly Outages[], value: (one: Outages) => number): number {
  return outages.reduce((sum, one) => sum + value(one), 0)
}

function kept(outages: readonly Outages[]): Text {
  const [accepted, refused, slow] = (['accepted', 'refused', 'slow'] as const).map((what) =>
    total(outages, ({ all }) => all[what]),
  )
  const [unwritten, withoutReservation, withoutNotice] = (
    ['unwritten', 'withoutReservation', 'withoutNotice'] as const
  ).map((what) => total(outages, (one) => one[what]))
  return {
    en: `${refused} turned away, ${slow} waited; of ${accepted} accepted orders ${unwritten} are not in the database, ${withoutReservation} have no reservation and ${withoutNotice} no notice`,
    ko: `거절 ${refused}명, 1초 넘게 대기 ${slow}명; 받아들인 주문 ${accepted}건 가운데 데이터베이스에 없는 것 ${unwritten}건, 예약이 없는 것 ${withoutReservation}건, 알림이 없는 것 ${withoutNotice}건`,
  }
}
