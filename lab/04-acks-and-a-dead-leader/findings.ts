import { sameText, type Claim, type Figure, type Text } from '../framework/experiment.ts'
import type { Fault } from './faults.ts'
import type { Acks } from './sender.ts'

export const ACKS: readonly Acks[] = ['0', '1', 'all']

/** One kill of a leader, as one of the senders saw it. */
export interface Round {
  readonly fault: Fault
  readonly acks: Acks
  readonly acknowledged: ReadonlySet<string>
  /** How long an acknowledgement took before anything was wrong. */
  readonly waitMs: number
}

/** The same, and what became of the records. */
export interface Counted extends Round {
  readonly gone: number
}

export function claimsOf(counted: readonly Counted[]): Claim[] {
  const because = (rounds: readonly Counted[]): Text => {
    const gone = rounds.map((round) => round.gone)
    return {
      en: `${gone.join(', ')} gone in ${gone.length} kills, of ${sizeOf(rounds)} acknowledged`,
      ko: `확인받은 ${sizeOf(rounds)}개, ${gone.length}번 죽여 사라진 것 ${gone.join(', ')}개`,
    }
  }
  const behind = (acks: Acks): Counted[] =>
    counted.filter((round) => round.acks === acks && round.fault === 'followers are behind')
  const all = counted.filter(({ acks }) => acks === 'all')
  return [
    {
      text: {
        en: 'acks=0: when the leader dies before its followers have caught up, acknowledged records are gone',
        ko: 'acks=0: 팔로워가 따라잡기 전에 리더가 죽으면 확인받은 레코드가 사라진다',
      },
      holds: behind('0').length > 0 && behind('0').every(({ gone }) => gone > 0),
      because: because(behind('0')),
    },
    {
      text: {
        en: 'acks=1: so are records that the leader had confirmed, though no unclean leader was elected',
        ko: 'acks=1: 리더가 확인해 준 레코드도 사라진다. 동기화되지 않은 리더를 뽑지 않아도 그렇다',
      },
      holds: behind('1').length > 0 && behind('1').every(({ gone }) => gone > 0),
      because: because(behind('1')),
    },
    {
      text: {
        en: 'acks=all with min.insync.replicas=2: not one is gone, in either fault',
        ko: 'acks=all과 min.insync.replicas=2: 어느 장애에서도 하나도 사라지지 않는다',
      },
      holds: sizeOf(all) > 0 && all.every(({ gone }) => gone === 0),
      because: because(all),
    },
  ]
}

export function figuresOf(counted: readonly Counted[]): Figure[] {
  const bars = (value: (round: Counted) => number, is: (round: Counted) => boolean): Figure['bars'] =>
    ACKS.map((acks) => ({
      side: { en: `acks=${acks}`, ko: `acks=${acks}` },
      values: counted.filter((round) => round.acks === acks && is(round)).map(value),
    }))
  const gone = (fault: Fault, title: Text): Figure => ({
    ...{ title, unit: { en: 'in a kill', ko: '리더를 한 번 죽일 때' } },
    bars: bars(
      (round) => round.gone,
      (round) => round.fault === fault,
    ),
  })
  return [
    gone('followers are behind', {
      en: 'Acknowledged records that are gone, followers half a second behind',
      ko: '확인받았지만 사라진 레코드, 팔로워가 0.5초 뒤처졌을 때',
    }),
    gone('followers keep up', {
      en: 'Acknowledged records that are gone, followers keep up',
      ko: '확인받았지만 사라진 레코드, 팔로워가 따라오고 있을 때',
    }),
    {
      title: { en: 'Until a send is acknowledged, while all is well', ko: '정상일 때 전송이 확인되기까지' },
      unit: sameText('ms'),
      bars: bars(
        (round) => round.waitMs,
        () => true,
      ),
    },
  ]
}

export function acknowledgedOf(counted: readonly Counted[], acks: Acks): number {
  return sizeOf(counted.filter((round) => round.acks === acks))
}

function sizeOf(rounds: readonly Round[]): number {
  return rounds.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0)
}
