import { InternalSigner } from '@timesale/identity/internal-token'
import type { Principal } from '@timesale/identity/principal'
import type { JWK } from 'jose'

/** Shorter than what the signer leaves on a token when it gives it out (20 s), and than any request takes. */
const KEPT_MS = 8_000

/** The `authorization` header with which services are called for somebody; at once where it was made a moment ago. */
export class InternalTokens {
  readonly #signer: InternalSigner
  readonly #kept = new WeakMap<Principal, { readonly header: string; readonly until: number }>()

  constructor(jwk: JWK) {
    this.#signer = new InternalSigner(jwk)
  }

  headerFor(principal: Principal): string | Promise<string> {
    const kept = this.#kept.get(principal)
    return kept !== undefined && kept.until > performance.now() ? kept.header : this.#sign(principal)
  }

  async #sign(principal: Principal): Promise<string> {
    const header = `Bearer ${await this.#signer.sign(principal)}`
    this.#kept.set(principal, { header, until: performance.now() + KEPT_MS })
    return header
  }
}
