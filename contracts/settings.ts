import Type, { type Static } from 'typebox'
import { ID_PATTERN } from './fields.ts'

/** There is one record of settings; its id is the key on the topic. */
export const SETTINGS_ID = 'shop'
export const SettingsId = Type.String({ pattern: ID_PATTERN, description: '`shop`' })

/** Kinds of requests that are limited each by itself. */
export const LIMIT_CLASSES = ['browse', 'orders', 'write', 'account', 'credentials'] as const
export type LimitClass = (typeof LIMIT_CLASSES)[number]

export const Limit = Type.Object(
  {
    points: Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'Requests of one caller' }),
    seconds: Type.Integer({ minimum: 1, maximum: 86_400, description: 'in so many seconds' }),
  },
  { additionalProperties: false },
)
export type Limit = Static<typeof Limit>

/** Operators change the limits through a door that counts by this one: whoever sets it has to be able to take it back. */
const AccountLimit = Type.Object(
  {
    points: Type.Integer({ minimum: 5, maximum: 1_000_000, description: 'Requests of one caller' }),
    seconds: Type.Integer({ minimum: 1, maximum: 60, description: 'in so many seconds' }),
  },
  {
    additionalProperties: false,
    description: 'At least five, in a minute or less, since /api/settings is counted here',
  },
)

const limitOf = Type.Optional(Limit)
const byClass = {
  browse: limitOf,
  orders: limitOf,
  write: limitOf,
  account: limitOf,
  credentials: limitOf,
} satisfies Record<LimitClass, unknown>

/** As an operator may write them: a class that is not known is a mistake. */
export const Limits = Type.Object(
  { ...byClass, account: Type.Optional(AccountLimit) },
  {
    additionalProperties: false,
    description: 'By class of requests; a class that is absent has the limit that the gateway was started with',
  },
)
/** As they are told: a class that is not known is one of a later version. */
export const ToldLimits = Type.Object(byClass)
export type Limits = Static<typeof Limits>

export const OrdersOpen = Type.Boolean({ description: 'false: POST /orders takes no new orders' })
export const OutboxCapEvents = Type.Integer({
  minimum: 1,
  maximum: 999_999,
  description: 'New orders are refused while more events wait to be published; absent: as the service was started',
})

/** What an operator changes while the shop runs. */
export interface Settings {
  readonly ordersOpen: boolean
  readonly limits: Limits
  readonly outboxCapEvents?: number
}

/** While nobody has changed anything. */
export const DEFAULT_SETTINGS: Settings = { ordersOpen: true, limits: {} }
