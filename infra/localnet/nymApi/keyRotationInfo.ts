import { EPOCH_ID, EPOCH_SECONDS, EPOCHS_PER_ROTATION, ROTATION_ID, type Topology } from './topology.ts'

/** Answers `/v1/epoch/key-rotation-info`. rotation = (epoch - initial) / validity. */
export function keyRotationInfo({ epochStart }: Topology) {
  return {
    key_rotation_state: { validity_epochs: EPOCHS_PER_ROTATION, initial_epoch_id: 0 },
    current_absolute_epoch_id: EPOCH_ID,
    current_epoch_start: epochStart.toISOString(),
    epoch_duration: { secs: EPOCH_SECONDS, nanos: 0 },
    progress: {
      current_key_rotation_id: ROTATION_ID,
      current_rotation_starting_epoch: ROTATION_ID * EPOCHS_PER_ROTATION,
      current_rotation_ending_epoch: (ROTATION_ID + 1) * EPOCHS_PER_ROTATION,
    },
  }
}
