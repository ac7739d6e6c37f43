import { formatDuration } from '../format/formatTime.ts'
import type { Transfer } from '../transfers/Transfer.ts'

const rail = [
  { stage: 'accepted', title: 'Accepted', text: 'The broadcaster has it in its record.' },
  { stage: 'submitted', title: 'Submitted', text: 'A node of the chain has it.' },
  { stage: 'included', title: 'Included', text: 'It is in a block.' },
  { stage: 'final', title: 'Final', text: 'No reorganisation can take it back.' },
] as const

/** The stages that were heard, each with the time since the signature; the next one breathes. */
export function StageRail({ transfer }: { transfer: Transfer }) {
  const { stages, sentAtMs, height, progress } = transfer
  const furthest = rail.findLastIndex(({ stage }) => stages.some((heard) => heard.stage === stage))
  return (
    <ol className="rail">
      {rail.map(({ stage, title, text }, index) => {
        const heard = stages.find((other) => other.stage === stage)
        // A stage that was passed unheard is passed all the same.
        const state =
          index <= furthest ? 'done' : index === furthest + 1 && progress === 'running' ? 'now' : 'next'
        return (
          <li key={stage} className={state} data-stage={stage}>
            <span className="mark" aria-hidden="true" />
            <span className="title">{title}</span>
            <span className="when">{heard ? `+${formatDuration(heard.atMs - sentAtMs)}` : ''}</span>
            <span className="what">{stage === 'included' && height ? `Block ${height}` : text}</span>
            <span className="unseen">
              {state === 'done' ? 'reached' : state === 'now' ? 'waited for' : 'not yet'}
            </span>
          </li>
        )
      })}
    </ol>
  )
}
