import type { ReactNode } from 'react'
import { Logo } from './Logo.tsx'

export function Header({ children }: { children?: ReactNode }) {
  return (
    <header className="top">
      <div className="brand">
        <Logo />
        <h1>
          Veilcast <span>Wallet</span>
        </h1>
        <span className="tag">Example · test keys only</span>
      </div>
      {children}
    </header>
  )
}
