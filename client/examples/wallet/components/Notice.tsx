import type { ReactNode } from 'react'

interface NoticeProps {
  readonly tone: 'calm' | 'careful' | 'problem'
  readonly title?: string | undefined
  readonly children: ReactNode
  readonly dismiss?: (() => void) | undefined
}

/** A problem interrupts a screen reader; the others wait for their turn. */
export function Notice({ tone, title, children, dismiss }: NoticeProps) {
  return (
    <div className={`notice ${tone}`} role={tone === 'problem' ? 'alert' : 'status'}>
      <div>
        {title && <strong>{title}</strong>}
        {children}
      </div>
      {dismiss && (
        <button type="button" className="quiet" onClick={dismiss}>
          Dismiss
        </button>
      )}
    </div>
  )
}
