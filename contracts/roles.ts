import Type, { type Static } from 'typebox'

/** What an account may be, besides others. An operator may see and do everything; a seller only what is of their shops. */
export const ROLES = ['buyer', 'seller', 'operator'] as const
export const Role = Type.Enum([...ROLES])
export type Role = Static<typeof Role>
