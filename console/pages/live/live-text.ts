import { text } from '../../language/text.ts'

export const liveText = text({ title: 'live' }, { title: 'live' })
