/** Sphinx packet format 0.6 as Nym uses it (github.com/nymtech/sphinx, src/constants.rs). Sizes in bytes. */
export const ALPHA_BYTES = 32
export const HEADER_MAC_BYTES = 16
export const BETA_BYTES = 300
export const HEADER_BYTES = ALPHA_BYTES + HEADER_MAC_BYTES + BETA_BYTES

/** What one hop takes off the front of beta: flag 1, version 3, next address 32, delay 8, next mac 16. */
export const HOP_BYTES = 60

/** The two packet sizes a client makes by default. Nym's extended sizes are not carried. */
export const REGULAR_PACKET_BYTES = 2413
export const ACK_PACKET_BYTES = 386

/** Zeros in front of every plaintext: a payload that does not begin with them was tampered with. */
export const PAYLOAD_ZEROS_BYTES = 16
export const PAYLOAD_KEY_BYTES = 192

/** From this version on the header carries the seed of a payload key; before it, the key itself. */
export const FIRST_VERSION_WITH_KEY_SEED = 259

export const ROUTING_KEYS_INFO =
  'Dwste mou enan moxlo arketa makru kai ena upomoxlio gia na ton topothetisw kai tha kinisw thn gh.'
export const PAYLOAD_KEY_SALT = 'sphinx-payload-key-V01-CS01-HKDF:SHA256-SALT'
export const PAYLOAD_KEY_INFO = 'sphinx-payload-key-V01-CS01-HKDF:SHA256-INFO'
