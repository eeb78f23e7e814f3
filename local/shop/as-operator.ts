import type { JWK } from 'jose'
import { InternalSigner } from '@timesale/identity/internal-token'

/** What the start itself calls services with, so that it can also where nobody gets in without a token. */
export type AsOperator = () => Promise<{ readonly authorization: string }>

/** `signingKey`: the gateway's, as JSON. What is wrong with it is heard at the first call. */
export function asOperator(signingKey: string): AsOperator {
  let signer: InternalSigner | undefined
  return async () => {
    signer ??= new InternalSigner(JSON.parse(signingKey) as JWK)
    const token = await signer.sign({ kind: 'account', accountId: 'local-start', roles: ['operator'] })
    return { authorization: `Bearer ${token}` }
  }
}
