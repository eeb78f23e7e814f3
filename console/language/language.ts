import i18next from 'i18next'
import { initReactI18next } from 'react-i18next'
import { partText } from '../ui/part-text.ts'
import { problemText } from '../ui/problem-text.ts'
import { shellText } from '../shell/shell-text.ts'
import { groupsText } from '../pages/groups/groups-text.ts'
import { liveText } from '../pages/live/live-text.ts'
import { orderText } from '../pages/order/order-text.ts'
import { salesText } from '../pages/sales/sales-text.ts'
import { shopText } from '../pages/shop/shop-text.ts'
import { topicsText } from '../pages/topics/topics-text.ts'

/** Every area of the console, by the name of its namespace. */
const areas = {
  shell: shellText,
  problem: problemText,
  part: partText,
  live: liveText,
  order: orderText,
  topics: topicsText,
  groups: groupsText,
  shop: shopText,
  sales: salesText,
} as const

type Areas = typeof areas

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'shell'
    resources: { [Area in keyof Areas]: Areas[Area]['en'] }
  }
}

export type Language = 'en' | 'ko'

const KEPT_AS = 'timesale.language'

function inLanguage(language: Language) {
  return Object.fromEntries(Object.entries(areas).map(([area, texts]) => [area, texts[language]]))
}

function startLanguage(): Language {
  const kept = localStorage.getItem(KEPT_AS)
  if (kept === 'en' || kept === 'ko') return kept
  return navigator.languages.some((language) => language.startsWith('ko')) ? 'ko' : 'en'
}

/** Before anything is drawn. */
export async function startLanguages(): Promise<void> {
  i18next.on('languageChanged', (language) => {
    document.documentElement.lang = language
  })
  await i18next.use(initReactI18next).init({
    lng: startLanguage(),
    fallbackLng: 'en',
    defaultNS: 'shell',
    resources: { en: inLanguage('en'), ko: inLanguage('ko') },
    // React escapes what it shows.
    interpolation: { escapeValue: false },
  })
}

export function chooseLanguage(language: Language): void {
  localStorage.setItem(KEPT_AS, language)
  void i18next.changeLanguage(language)
}
