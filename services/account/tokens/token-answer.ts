import { ACCESS_TOKEN_S, type AccessTokenAnswer } from '@timesale/contracts/account-api'
import type { Grant } from '../session.ts'
import type { SigningKeys } from './signing-keys.ts'

/** What whoever has logged in is given. */
export async function tokenAnswer(keys: SigningKeys, grant: Grant): Promise<AccessTokenAnswer> {
  const { accountId, name, roles } = grant
  return {
    accessToken: await keys.sign(grant),
    tokenType: 'Bearer',
    expiresInSeconds: ACCESS_TOKEN_S,
    account: { accountId, name, roles: [...roles] },
  }
}
