import type { Experiment, Outcome } from '../framework/experiment.ts'
import { claimsOfReads, claimsOfSends, figuresOfReads, figuresOfSends } from './findings.ts'
import { measureReads } from './reading.ts'
import { measureSends } from './sending.ts'

export const experiment: Experiment = {
  question: {
    en: 'What does a send cost, and what a record in it? And what does a reader cost that begins far behind?',
    ko: '전송 한 번의 비용과 그 안의 레코드 하나의 비용은 얼마인가? 한참 뒤처진 곳에서 읽기 시작하는 컨슈머의 비용은?',
  },
  async run(bench): Promise<Outcome> {
    const sends = await measureSends(bench)
    const reads = await measureReads(bench)
    const sent = [...Object.values(sends), ...Object.values(reads.beside)].flat()
    const read = [...reads.newest, ...reads.oldest]
    return {
      claims: [...claimsOfSends(sends), ...claimsOfReads(reads)],
      figures: [...figuresOfSends(sends), ...figuresOfReads(reads)],
      work: [
        {
          what: { en: 'records confirmed', ko: '확인받은 레코드' },
          count: sent.reduce((sum, { records }) => sum + records, 0),
        },
        { what: { en: 'records written to be read', ko: '읽기 위해 쓴 레코드' }, count: reads.written },
        { what: { en: 'records read', ko: '읽은 레코드' }, count: read.reduce((sum, { records }) => sum + records, 0) },
      ],
    }
  },
}
