import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type Localnet, LocalnetOptionError, PortUnavailableError, startLocalnet } from '@veilcast/localnet'

describe('nym-api', () => {
  let localnet: Localnet
  beforeAll(async () => {
    localnet = await startLocalnet({ seed: 6 })
  })
  afterAll(() => localnet.stop())

  const get = async (path: string) => (await fetch(`${localnet.nymApiUrl}${path}`)).json() as Promise<never>

  it('default: describes one gateway and a mix in each layer, with one and the same metadata', async () => {
    type Skimmed = {
      metadata: object
      nodes: { pagination: object; data: { role: unknown; node_id: number }[] }
    }
    const all: Skimmed = await get('/v2/unstable/nym-nodes/skimmed?page=0')
    const gateways: Skimmed = await get('/v2/unstable/nym-nodes/skimmed/entry-gateways?output=bincode')
    const mixes: Skimmed = await get('/v2/unstable/nym-nodes/skimmed/mixnodes/active')

    expect(gateways.nodes.data).toEqual([
      expect.objectContaining({
        role: 'EntryGateway',
        ed25519_identity_pubkey: localnet.preferredGateway,
        supported_roles: { mixnode: false, entry: true, exit_nr: false, exit_ipr: false },
      }),
    ])
    expect(mixes.nodes.data.map(({ role }) => role)).toEqual(
      [1, 2, 3].map((layer) => ({ Mixnode: { layer } })),
    )
    expect(all.nodes.pagination).toEqual({ total: 4, page: 0, size: 4 })
    expect(gateways.metadata).toEqual(all.metadata)
    expect(mixes.metadata).toEqual(all.metadata)

    const [mix1, mix2, mix3, gateway] = all.nodes.data.map(({ node_id }) => node_id)
    expect(await get('/v1/nym-nodes/rewarded-set')).toMatchObject({
      entry_gateways: [gateway],
      layer1: [mix1],
      layer2: [mix2],
      layer3: [mix3],
    })
  })

  it('default: the key rotation is the one that the epoch belongs to', async () => {
    type Info = {
      key_rotation_state: { validity_epochs: number; initial_epoch_id: number }
      current_absolute_epoch_id: number
      progress: { current_key_rotation_id: number }
    }
    const {
      key_rotation_state: state,
      current_absolute_epoch_id: epoch,
      progress,
    }: Info = await get('/v1/epoch/key-rotation-info')
    expect(progress.current_key_rotation_id).toBe((epoch - state.initial_epoch_id) / state.validity_epochs)
  })

  it('behavior: pages may ask it, and whatever else is asked gets a clear answer', async () => {
    const preflight = await fetch(`${localnet.nymApiUrl}/v1/nym-nodes/rewarded-set`, { method: 'OPTIONS' })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-origin')).toBe('*')
    expect((await fetch(`${localnet.nymApiUrl}/v1/network/details`)).status).toBe(404)
    expect(
      (await fetch(`${localnet.nymApiUrl}/v1/nym-nodes/rewarded-set`, { method: 'POST', body: 'x' })).status,
    ).toBe(405)
  })
})

describe('startLocalnet', () => {
  it.each([
    ['a host that others can reach', { host: '0.0.0.0' }, /allowNonLoopback/],
    ['a loss above one', { lossPerHop: 2 }, /between 0 and 1/],
    ['a loss that is no number', { lossPerHop: Number.NaN }, /between 0 and 1/],
    ['a port that is none', { apiPort: 70_000 }, /apiPort must be a port/],
    ['a seed that is no integer', { seed: 0.5 }, /seed must be an integer/],
    ['a limit of nothing', { limits: { maxClients: 0 } }, /maxClients must be a whole number above 0/],
  ])('behavior: refuses %s', async (_what, options, message) => {
    const refused = await startLocalnet(options).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(LocalnetOptionError)
    expect((refused as Error).message).toMatch(message)
  })

  it('behavior: a port in use is named, and nothing is left open', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    const { port } = other.address() as { port: number }

    const refused = await startLocalnet({ apiPort: port }).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(PortUnavailableError)
    expect((refused as Error).message).toBe(`port ${port} on 127.0.0.1 is in use by another process`)
    await new Promise((resolve) => other.close(resolve))
  })

  it('behavior: listens outside loopback when asked for by name, and tells clients a host they can dial', async () => {
    const localnet = await startLocalnet({ host: '0.0.0.0', allowNonLoopback: true })
    expect(localnet.nymApiUrl).toMatch(/^http:\/\/127\.0\.0\.1:/)
    expect((await fetch(`${localnet.nymApiUrl}/v1/nym-nodes/rewarded-set`)).status).toBe(200)
    await localnet.stop()
  })
})
