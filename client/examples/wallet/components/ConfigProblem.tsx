import { Header } from './Header.tsx'
import { Notice } from './Notice.tsx'

export function ConfigProblem({ problem }: { problem: string }) {
  return (
    <>
      <Header />
      <main className="column narrow">
        <Notice tone="problem" title="This wallet has no usable config">
          <p>{problem}</p>
          <p>
            Put a <code>config.json</code> beside this page that names nym-api, a broadcaster and the chains;{' '}
            <code>config.example.json</code> shows the form. Nothing was connected.
          </p>
        </Notice>
      </main>
    </>
  )
}
