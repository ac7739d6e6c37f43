import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type CosmosBinary, cosmosCommand } from './cosmosBinary.ts'
import { removeLeftovers } from './removeLeftovers.ts'
import { runCommand } from './runCommand.ts'
import { emptyScratchFolder, withScratchFolder } from './withScratchFolder.ts'

/** Published with Osmosis' local network, and funded on many a development chain: never use them for real coins. */
const mnemonics = {
  validator:
    'bottom loan skill merry east cradle onion journey palm apology verb edit desert impose absurd oil bubble sweet glove shallow size build burst effort',
  alice:
    'notice oak worry limit wrap speak medal online prefer cluster roof addict wrist behave treat actual wasp year salad speed social layer crew genius',
  bob: 'quality vacuum heart guard buzz spike sight swarm shove special gym robust assume sudden deposit grid alcohol choice devote leader tilt noodle tide penalty',
  carol:
    'symbol force gallery make bulk round subway violin worry mixture penalty kingdom boring survey tool fringe patrol sausage hard admit remember broken alien absorb',
  dave: 'bounce success option birth apple portion aunt rural episode solution hockey pencil lend session cause hedgehog slender journey system canvas decorate razor catch empty',
}

const denom = 'stake'
const balance = 1_000_000_000_000
const selfDelegation = 1_000_000_000
const keyring = ['--keyring-backend', 'test']

export type CosmosAccount = { name: string; address: string; mnemonic: string }

/** What a home holds of the chain in it, in `devnet.json`. */
export type CosmosHome = {
  reference: string
  denom: string
  bech32Prefix: string
  /** alice, bob, carol and dave: 1 000 000 000 000 base units each, coin type 118, account 0, index 0. */
  accounts: CosmosAccount[]
}

/** Opens a home that {@link createCosmosHome} made; undefined if there is none. */
export async function readCosmosHome(home: string): Promise<CosmosHome | undefined> {
  const text = await readFile(join(home, 'devnet.json'), 'utf8').catch(() => undefined)
  return text === undefined ? undefined : (JSON.parse(text) as CosmosHome)
}

/**
 * Writes the home of a new chain with one validator: genesis, keys and config. It appears whole or not at all.
 *
 * @throws Error if the folder is there and not empty, or the chain's program fails
 */
export async function createCosmosHome(
  binary: CosmosBinary,
  home: string,
  reference: string,
  signal?: AbortSignal,
): Promise<CosmosHome> {
  const parent = dirname(home)
  await mkdir(parent, { recursive: true })
  const draftPrefix = `${basename(home)}.draft-`
  await removeLeftovers(parent, draftPrefix)
  const draft = await mkdtemp(join(parent, `${draftPrefix}${process.pid}-`))
  try {
    const env = await withScratchFolder(draft)
    const run = (args: string[], input = '') =>
      runCommand(cosmosCommand(binary, draft, args), input, { signal, env })
    await run(['init', 'veilcast', '--chain-id', reference])
    const accounts: CosmosAccount[] = []
    for (const [name, mnemonic] of Object.entries(mnemonics)) {
      const shown = await run(
        ['keys', 'add', name, '--recover', '--output', 'json', ...keyring],
        `${mnemonic}\n`,
      )
      const { address } = JSON.parse(shown) as { address: string }
      accounts.push({ name, address, mnemonic })
    }
    await fundInGenesis(join(draft, 'config', 'genesis.json'), accounts)
    await run([
      'genesis',
      'gentx',
      'validator',
      `${selfDelegation}${denom}`,
      '--chain-id',
      reference,
      ...keyring,
    ])
    await run(['genesis', 'collect-gentxs'])

    const first = accounts[0]?.address ?? ''
    const bech32Prefix = first.slice(0, first.lastIndexOf('1'))
    const contents = {
      reference,
      denom,
      bech32Prefix,
      accounts: accounts.slice(1),
    }
    await writeFile(join(draft, 'devnet.json'), `${JSON.stringify(contents, undefined, 2)}\n`)
    await emptyScratchFolder(draft)
    await rename(draft, home)
    return contents
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    throw error
  }
}

type Genesis = {
  app_state: {
    auth: { accounts: unknown[] }
    bank: { balances: unknown[]; supply: unknown[] }
  }
}

async function fundInGenesis(path: string, accounts: CosmosAccount[]): Promise<void> {
  const genesis = JSON.parse(await readFile(path, 'utf8')) as Genesis
  const { auth, bank } = genesis.app_state
  auth.accounts = accounts.map(({ address }, index) => ({
    '@type': '/cosmos.auth.v1beta1.BaseAccount',
    address,
    pub_key: null,
    account_number: String(index),
    sequence: '0',
  }))
  bank.balances = accounts.map(({ address }) => ({
    address,
    coins: [{ denom, amount: String(balance) }],
  }))
  bank.supply = [{ denom, amount: String(balance * accounts.length) }]
  await writeFile(path, JSON.stringify(genesis))
}
