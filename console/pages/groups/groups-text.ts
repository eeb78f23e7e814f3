import { text } from '../../language/text.ts'

export const groupsText = text({ title: 'groups' }, { title: 'groups' })
