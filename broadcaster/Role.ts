export const roles = ['all', 'ingress', 'worker'] as const

/**
 * What a process does: `ingress` speaks to wallets through its own Nym clients, `worker` brings what they hand in on chain,
 * `all` is both. Those that share a store work together; anything but `all` needs a store that can be shared.
 */
export type Role = (typeof roles)[number]
