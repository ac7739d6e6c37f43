const maxLearned = 512
const maxKeyCharacters = 256
/** Answers vary: an expectation that is too low costs a round trip, one that is too high a part of a packet. */
const margin = 1.25
/** What the largest of some answers counts for after each shorter one. */
const decay = 0.8

/** Packed bytes to expect where nothing has been learned: a chain like Ethereum's main one, and one like the Cosmos Hub. */
const firstContact: Readonly<Record<string, number>> = {
  eth_getBlockByNumber: 8_000,
  eth_getBlockByHash: 8_000,
  eth_getBlockReceipts: 30_000,
  eth_getTransactionReceipt: 1_000,
  eth_getTransactionByHash: 700,
  eth_getLogs: 6_000,
  eth_getCode: 6_000,
  eth_feeHistory: 1_000,
  block: 8_000,
  block_results: 12_000,
  status: 900,
  tx: 3_000,
  tx_search: 8_000,
  validators: 8_000,
  rest: 1_200,
}
const otherwiseBytes = 150

/** How many bytes of a reply an answer takes: as this very question took, or its method, or at first a guess. */
export function learnSizes() {
  const learned = new Map<string, number>()

  function note(name: string, sizeBytes: number): void {
    if (name.length > maxKeyCharacters) return
    const known = learned.get(name) ?? 0
    learned.delete(name)
    learned.set(name, Math.max(sizeBytes, known * decay))
    const [oldest] = learned.keys()
    if (learned.size > maxLearned && oldest !== undefined) learned.delete(oldest)
  }

  return {
    expect(chain: string, method: string, key: string): number {
      const known = learned.get(key) ?? learned.get(`${chain} ${method}`)
      return Math.ceil(known === undefined ? (firstContact[method] ?? otherwiseBytes) : known * margin)
    },
    learn(chain: string, method: string, key: string, sizeBytes: number): void {
      note(key, sizeBytes)
      note(`${chain} ${method}`, sizeBytes)
    },
  }
}
