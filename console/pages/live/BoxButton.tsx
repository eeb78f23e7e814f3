import { CloseButton, Popover, UnstyledButton } from '@mantine/core'
import { useEffect, useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { PartView } from '@timesale/contracts/console-api'
import classes from './live.module.css'

export interface BoxButtonProps {
  /** A part's name, a topic, or `buyers`. */
  readonly part: string
  readonly state?: PartView['state']
  /** Somebody looks at it, or no longer does. */
  readonly onLook?: ((part: string | undefined) => void) | undefined
  readonly children: ReactNode
  /** Drawn only while it is open. */
  readonly panel: () => ReactNode
}

/** A box that can be chosen, and then tells more of itself beside it, without covering the rest. */
export function BoxButton({ part, state, onLook, children, panel }: BoxButtonProps) {
  const { t } = useTranslation('part')
  const [isOpen, setOpen] = useState(false)
  const [isUnderPointer, setUnderPointer] = useState(false)
  const isLookedAt = isOpen || isUnderPointer
  useEffect(() => {
    if (!isLookedAt || onLook === undefined) return
    onLook(part)
    return () => onLook(undefined)
  }, [isLookedAt, onLook, part])
  return (
    <Popover opened={isOpen} onChange={setOpen} width={340} shadow="md" withArrow trapFocus returnFocus>
      <Popover.Target>
        <UnstyledButton
          className={classes['box'] ?? ''}
          data-part={part}
          {...(state === undefined ? {} : { 'data-state': state })}
          onClick={() => setOpen(true)}
          onPointerEnter={() => setUnderPointer(true)}
          onPointerLeave={() => setUnderPointer(false)}
        >
          {children}
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown maw="calc(100vw - 2rem)" mah="75vh" style={{ overflowY: 'auto' }}>
        <CloseButton
          className={classes['close'] ?? ''}
          size="sm"
          aria-label={t('close')}
          onClick={() => setOpen(false)}
        />
        {isOpen ? panel() : null}
      </Popover.Dropdown>
    </Popover>
  )
}
