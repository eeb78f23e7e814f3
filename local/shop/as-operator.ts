import type { JWK } from 'jose'
import { InternalSigner } from '@timesale/identity/internal-token'

type Headers = { readonly authorization: string }

/** What the start itself calls services with, so that it can also where nobody gets in without a token. */
export type AsOperator = () => Promise<Headers>

/** `signingKey`: the gateway's, as JSON. What is wrong with it is heard at the first call. */
export function asOperator(signingKey: string): AsOperator {
  const sign = signedBy(signingKey)
  return () => sign('local-start', 'operator')
}

/** Likewise in the name of one buyer. */
export function asBuyer(signingKey: string): (buyerId: string) => Promise<Headers> {
  const sign = signedBy(signingKey)
  return (buyerId) => sign(buyerId, 'buyer')
}

function signedBy(signingKey: string) {
  let signer: InternalSigner | undefined
  return async (accountId: string, role: 'operator' | 'buyer'): Promise<Headers> => {
    signer ??= new InternalSigner(JSON.parse(signingKey) as JWK)
    const token = await signer.sign({ kind: 'account', accountId, roles: [role] })
    return { authorization: `Bearer ${token}` }
  }
}
