import { lazyRouteComponent } from '@tanstack/react-router'

/** The gateway does not answer, or has a console that was built anew and no such chunk any more. */
export class PageNotFetched extends Error {
  override readonly name = 'PageNotFetched'
}

/**
 * A page that is fetched when it is needed. One that cannot be fetched says so in its place: the router would load the window
 * again where it knows the error, and with the gateway away that leaves nothing at all.
 */
export function lazyPage<Module extends Record<string, unknown>, Name extends keyof Module & string>(
  fetchPage: () => Promise<Module>,
  name: Name,
) {
  const fetched = async (): Promise<Module> => {
    try {
      return await fetchPage()
    } catch (cause) {
      throw new PageNotFetched('The page could not be fetched', { cause })
    }
  }
  return lazyRouteComponent(fetched, name)
}
