import { text } from '../../language/text.ts'

export const shopText = text({ title: 'shop' }, { title: 'shop' })
