import { formatDuration } from '../format/formatTime.ts'
import { useVeilcast } from '../veilcast/useVeilcast.ts'

export function ConnectionPill() {
  const { connection } = useVeilcast()
  const text = {
    offline: 'Not connected',
    connecting: 'Connecting…',
    connected: 'Private',
    failed: 'Not connected',
  }[connection.kind]
  return (
    <p className={`pill ${connection.kind}`} role="status" aria-label="Connection">
      <span className="dot" aria-hidden="true" />
      {text}
      {connection.kind === 'connected' && (
        <small>round trip {formatDuration(connection.info.roundTripMs)}</small>
      )}
    </p>
  )
}
