import { text } from '../../language/text.ts'

export const salesText = text({ title: 'sales' }, { title: 'sales' })
