import { text } from '../../language/text.ts'

export const topicsText = text({ title: 'topics' }, { title: 'topics' })
