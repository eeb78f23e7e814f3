import { text } from '../../language/text.ts'

export const orderText = text({ title: 'order' }, { title: 'order' })
