/** The sentences of one area in both languages; the compiler sees to it that none is missing in either. */
export function text<const En extends Readonly<Record<string, string>>>(
  en: En,
  ko: Readonly<Record<keyof En, string>>,
): { readonly en: Readonly<Record<keyof En, string>>; readonly ko: Readonly<Record<keyof En, string>> } {
  return { en, ko }
}
