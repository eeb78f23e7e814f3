import Type, { type Static } from 'typebox'
import { AccountId, ID_PATTERN, Instant, Name } from './fields.ts'
import { Role } from './roles.ts'

/** How long an access token is good for. Whoever keeps a list of ended sessions keeps each at least as long. */
export const ACCESS_TOKEN_S = 15 * 60

/** Whoever verifies access tokens fetches the public keys at least so often. A new key signs no sooner than that. */
export const KEYS_FETCHED_EVERY_S = 60

// What makes an address or a password good is counted after they were normalised (services/account/account.ts); the
// bounds here only keep out what nobody means.
const Email = Type.String({ minLength: 3, maxLength: 1000, description: 'An e-mail address' })
const Password = Type.String({
  minLength: 1,
  maxLength: 1000,
  description: '8 to 200 characters, none of them dropped',
})
const Secret = Type.String({ minLength: 1, maxLength: 200 })
const Roles = Type.Array(Role, { maxItems: 3, uniqueItems: true, description: 'What the account may be' })

export const SignUp = Type.Object({ email: Email, password: Password, name: Name }, { additionalProperties: false })
export type SignUp = Static<typeof SignUp>

/** The same bytes whether or not the address was taken. */
export const SignUpAnswer = Type.Object({ status: Type.Literal('accepted') })

export const LogIn = Type.Object({ email: Email, password: Password }, { additionalProperties: false })
export type LogIn = Static<typeof LogIn>

const accessToken = {
  accessToken: Type.String({ description: 'A JWT (RFC 9068) for `authorization: Bearer ...`' }),
  tokenType: Type.Literal('Bearer'),
  expiresInSeconds: Type.Integer({ minimum: 1 }),
  account: Type.Object({ accountId: AccountId, name: Name, roles: Roles }),
}

export const AccessTokenAnswer = Type.Object(accessToken)
export type AccessTokenAnswer = Static<typeof AccessTokenAnswer>

export const SessionTokens = Type.Object({
  ...accessToken,
  refreshToken: Type.String({ description: 'Good for one refresh; used a second time, it ends the session' }),
})
export type SessionTokens = Static<typeof SessionTokens>

export const Refresh = Type.Object({ refreshToken: Secret }, { additionalProperties: false })
export const LogOut = Type.Object({ refreshToken: Type.Optional(Secret) }, { additionalProperties: false })
export const GetToken = Type.Object({ apiKey: Secret }, { additionalProperties: false })

export const AccountView = Type.Object({
  accountId: AccountId,
  email: Type.String(),
  name: Name,
  roles: Roles,
  createdAt: Instant,
})
export type AccountView = Static<typeof AccountView>

export const PutAccount = Type.Object(
  { email: Email, password: Password, name: Name, roles: Roles },
  { additionalProperties: false },
)
export type PutAccount = Static<typeof PutAccount>

export const PutRoles = Type.Object({ roles: Roles }, { additionalProperties: false })

export const FindAccountsQuery = Type.Object({ email: Email }, { additionalProperties: false })
export const FoundAccounts = Type.Object({ accounts: Type.Array(AccountView) })

export const SessionView = Type.Object({
  sessionId: Type.String(),
  startedAt: Instant,
  refreshedAt: Instant,
  endsAt: Type.String({ format: 'date-time', description: 'However often it is refreshed' }),
})
export type SessionView = Static<typeof SessionView>
export const SessionList = Type.Object({ sessions: Type.Array(SessionView) })

const KeyId = Type.String({ pattern: ID_PATTERN, description: 'The id of the API key, and the key of the request' })

export const CreateApiKey = Type.Object(
  {
    keyId: KeyId,
    name: Name,
    roles: Type.Array(Role, { minItems: 1, maxItems: 3, uniqueItems: true, description: 'Roles of one’s own' }),
  },
  { additionalProperties: false },
)
export type CreateApiKey = Static<typeof CreateApiKey>

export const ApiKeyView = Type.Object({ keyId: KeyId, name: Name, roles: Roles, createdAt: Instant })
export type ApiKeyView = Static<typeof ApiKeyView>
export const ApiKeyList = Type.Object({ apiKeys: Type.Array(ApiKeyView) })

export const CreatedApiKey = Type.Object({
  ...ApiKeyView.properties,
  apiKey: Type.String({ description: 'The secret; it is told this once' }),
})

export const SigningKeyView = Type.Object({
  kid: Type.String(),
  createdAt: Instant,
  signsFrom: Type.String({
    format: 'date-time',
    description: 'Until then it is only published, and the one before signs',
  }),
})
export type SigningKeyView = Static<typeof SigningKeyView>

export const AccountParams = Type.Object({ accountId: AccountId }, { additionalProperties: false })
export const SessionParams = Type.Object(
  { sessionId: Type.String({ pattern: ID_PATTERN }) },
  { additionalProperties: false },
)
export const ApiKeyParams = Type.Object({ keyId: KeyId }, { additionalProperties: false })
