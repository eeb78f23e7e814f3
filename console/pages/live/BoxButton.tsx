import { Popover, UnstyledButton } from '@mantine/core'
import { useState, type ReactNode } from 'react'
import type { PartView } from '@timesale/contracts/console-api'
import classes from './live.module.css'

export interface BoxButtonProps {
  /** A part's name, a topic, or `buyers`. */
  readonly part: string
  readonly state?: PartView['state']
  /** Where what is seen in the box does not say what it is. */
  readonly label?: string
  /** Somebody looks at it, or no longer does. */
  readonly onLook?: ((part: string | undefined) => void) | undefined
  readonly children: ReactNode
  /** Drawn only while it is open. */
  readonly panel: () => ReactNode
}

/** A box that can be chosen, and then tells more of itself beside it, without covering the rest. */
export function BoxButton({ part, state, label, onLook, children, panel }: BoxButtonProps) {
  const [isOpen, setOpen] = useState(false)
  return (
    <Popover opened={isOpen} onChange={setOpen} width={340} shadow="md" withArrow trapFocus returnFocus>
      <Popover.Target>
        <UnstyledButton
          className={classes['box'] ?? ''}
          data-part={part}
          {...(state === undefined ? {} : { 'data-state': state })}
          {...(label === undefined ? {} : { 'aria-label': label })}
          onClick={() => setOpen(!isOpen)}
          onPointerEnter={() => onLook?.(part)}
          onPointerLeave={() => onLook?.(undefined)}
          onFocus={() => onLook?.(part)}
          onBlur={() => onLook?.(undefined)}
        >
          {children}
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown mah="75vh" style={{ overflowY: 'auto' }}>
        {isOpen ? panel() : null}
      </Popover.Dropdown>
    </Popover>
  )
}
