import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { gatewayNow } from '../api/clock.ts'

/** Numbers as the chosen language writes them. */
export interface Numbers {
  /** 12,345 */
  readonly whole: (value: number) => string
  /** 12,345/s; 0.4/s */
  readonly perSecond: (value: number) => string
  /** 350 ms; 12 s; 5 min; 3 h */
  readonly duration: (seconds: number) => string
  readonly bytes: (value: number) => string
  /** Of minor units of the currency. */
  readonly money: (minor: number, currency: string) => string
  /** 14:03:25; with the date where that is not today's. */
  readonly time: (instant: string) => string
  /** With the date. */
  readonly moment: (instant: string) => string
}

export function useNumbers(): Numbers {
  const { i18n } = useTranslation()
  return useMemo(() => numbersIn(i18n.language), [i18n.language])
}

/** `now`: milliseconds since the epoch. */
export function numbersIn(language: string, now = gatewayNow): Numbers {
  const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 0 })
  const fine = new Intl.NumberFormat(language, { maximumFractionDigits: 1 })
  const time = new Intl.DateTimeFormat(language, {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  })
  const day = new Intl.DateTimeFormat(language, { dateStyle: 'medium' })
  const moment = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' })
  const inUnit = (value: number, unit: string): string =>
    new Intl.NumberFormat(language, {
      style: 'unit',
      unit,
      unitDisplay: 'short',
      maximumFractionDigits: value < 10 && unit !== 'millisecond' ? 1 : 0,
    }).format(value)
  return {
    whole: (value) => whole.format(value),
    perSecond: (value) => `${value < 10 ? fine.format(value) : whole.format(value)}/s`,
    duration(seconds) {
      if (seconds < 1) return inUnit(seconds * 1000, 'millisecond')
      if (seconds < 120) return inUnit(seconds, 'second')
      if (seconds < 7_200) return inUnit(seconds / 60, 'minute')
      return inUnit(seconds / 3600, 'hour')
    },
    bytes(value) {
      if (value < 1024) return inUnit(value, 'byte')
      if (value < 1024 ** 2) return inUnit(value / 1024, 'kilobyte')
      if (value < 1024 ** 3) return inUnit(value / 1024 ** 2, 'megabyte')
      return inUnit(value / 1024 ** 3, 'gigabyte')
    },
    money(minor, currency) {
      const format = new Intl.NumberFormat(language, { style: 'currency', currency })
      return format.format(minor / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 0))
    },
    time(instant) {
      const date = new Date(instant)
      return date.toDateString() === new Date(now()).toDateString()
        ? time.format(date)
        : `${day.format(date)} ${time.format(date)}`
    },
    moment: (instant) => moment.format(new Date(instant)),
  }
}
