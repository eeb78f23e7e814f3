import { generateKeyPairSync } from 'node:crypto'
import { InternalSigner } from '@timesale/identity/internal-token'
import { ANONYMOUS, type Principal } from '@timesale/identity/principal'
import type { Role } from '@timesale/contracts/roles'

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const privateJwk = { ...privateKey.export({ format: 'jwk' }), kid: 'test-gateway' }
const signer = new InternalSigner(privateJwk)

/** The key of a gateway that every service of `startInfrastructure` believes. */
export const TEST_GATEWAY = {
  signingKey: JSON.stringify(privateJwk),
  keys: JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'test-gateway', alg: 'EdDSA' }] }),
}

/** The header with which the gateway calls a service for somebody; nobody who is logged in by default. */
export async function calledFor(accountId?: string, ...roles: Role[]): Promise<{ authorization: string }> {
  return await calledAs(accountId === undefined ? ANONYMOUS : { kind: 'account', accountId, roles })
}

/** The same, where it matters by what somebody is logged in. */
export async function calledAs(principal: Principal): Promise<{ authorization: string }> {
  return { authorization: `Bearer ${await signer.sign(principal)}` }
}
