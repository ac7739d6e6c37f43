/**
 * The record in Redis, one script per action: each runs alone, so that a record and its indexes change together.
 *
 * All keys share the hash tag `{veilcast}` and so live on one node of whatever is in front:
 *
 *     {veilcast}:record:<key>          hash: the record; an absent field is null; requests apart by spaces
 *     {veilcast}:live:<chain>          sorted set of live keys, in key order
 *     {veilcast}:waiting:<chain>       set of live keys in no block
 *     {veilcast}:lane:<chain>:<mac>    those of one account
 *     {veilcast}:unsent:<chain>        set of ended keys of which no byte was handed over
 *     {veilcast}:block:<chain>         sorted set of live keys by block height
 *     {veilcast}:txids:<chain>         hash: txIdMac -> keys
 *     {veilcast}:slots:<chain>         hash: laneMac:sequence -> keys
 *     {veilcast}:request:<mac>         string: key
 *     {veilcast}:expiry                sorted set of ended keys by expiry
 *     {veilcast}:cursor:<chain>        hash: trail, version, savedAtMs
 *     {veilcast}:lease:<name>          string with a time to live: owner
 *     {veilcast}:processes             hash: process id -> when heard, when to forget, report
 *     {veilcast}:samples:<span>        sorted set of samples by time
 *     {veilcast}:audit                 list of what was done by hand, the latest first
 *     {veilcast}:users                 sorted set of processes that use the store, by when that ends
 *     {veilcast}:alone                 string with a time to live: the process that uses it as the only one
 *     {veilcast}:life                  hash: id, restores, known, step, major (migrate.ts), closed, sealedBy
 *
 * Numbers stay the strings that came: Lua would write a time in milliseconds as 1.79e+12.
 */
export const prefix = '{veilcast}'

/** The channel that tells of changed keys. */
export const changedChannel = `${prefix}:changed`

const shared = `
local p = KEYS[1]
local function at(key) return p .. ':record:' .. key end
local function isLive(state) return state == 'held' or state == 'exposed' or state == 'included' end

local function attach(index, field, key)
  local keys = redis.call('HGET', index, field)
  redis.call('HSET', index, field, keys and keys .. ' ' .. key or key)
end

local function detach(index, field, key)
  local rest = {}
  for other in string.gmatch(redis.call('HGET', index, field) or '', '%S+') do
    if other ~= key then rest[#rest + 1] = other end
  end
  if #rest > 0 then redis.call('HSET', index, field, table.concat(rest, ' ')) else redis.call('HDEL', index, field) end
end

local function reindex(key)
  local f = redis.call('HMGET', at(key), 'chain', 'state', 'laneMac', 'blockHeight', 'expiresAtMs', 'exposedTo')
  local chain, live, lane, height, expiry = f[1], isLive(f[2]), f[3], f[4], f[5]
  local unsent = (f[2] == 'refused' or f[2] == 'lapsed') and not f[6]
  redis.call(unsent and 'SADD' or 'SREM', p .. ':unsent:' .. chain, key)
  if live then redis.call('ZADD', p .. ':live:' .. chain, 0, key) else redis.call('ZREM', p .. ':live:' .. chain, key) end
  local waits = live and f[2] ~= 'included' and 'SADD' or 'SREM'
  redis.call(waits, p .. ':waiting:' .. chain, key)
  if lane then redis.call(waits, p .. ':lane:' .. chain .. ':' .. lane, key) end
  if live and height then redis.call('ZADD', p .. ':block:' .. chain, height, key)
  else redis.call('ZREM', p .. ':block:' .. chain, key) end
  if expiry then redis.call('ZADD', p .. ':expiry', expiry, key) else redis.call('ZREM', p .. ':expiry', key) end
end

local function drop(key)
  local f = redis.call('HMGET', at(key), 'chain', 'txIdMac', 'laneMac', 'sequence', 'requests')
  if not f[1] then return end
  redis.call('HSET', at(key), 'state', 'swept')
  redis.call('HDEL', at(key), 'expiresAtMs')
  reindex(key)
  detach(p .. ':txids:' .. f[1], f[2], key)
  if f[3] then detach(p .. ':slots:' .. f[1], f[3] .. ':' .. f[4], key) end
  for mac in string.gmatch(f[5], '%S+') do
    local request = p .. ':request:' .. mac
    if redis.call('GET', request) == key then redis.call('DEL', request) end
  end
  redis.call('DEL', at(key))
end

local function tell(key) redis.call('PUBLISH', p .. ':changed', key) end
`

/** ARGV: key, chain, txIdMac, laneMac, sequence, bytes, txId, requestMac, notAfterMs, nowMs, the bound on requests. */
const admit = `${shared}
local key, chain, txIdMac, lane, sequence, bytes, txId, request, notAfter, now =
  ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10]
local most = tonumber(ARGV[11])
local record = at(key)
local how = 'merged'

if redis.call('EXISTS', record) == 0 then
  how = 'created'
  redis.call('HSET', record, 'key', key, 'chain', chain, 'txIdMac', txIdMac, 'state', 'held', 'number', 1, 'bytes', bytes,
    'txId', txId, 'requests', request, 'notAfterMs', notAfter, 'createdAtMs', now, 'changedAtMs', now)
  attach(p .. ':txids:' .. chain, txIdMac, key)
  if lane ~= '' then
    redis.call('HSET', record, 'laneMac', lane, 'sequence', sequence)
    attach(p .. ':slots:' .. chain, lane .. ':' .. sequence, key)
  end
else
  local f = redis.call('HMGET', record, 'state', 'exposedTo', 'requests', 'notAfterMs')
  local state, exposedTo, requests, count, asked = f[1], f[2], {}, 0, false
  for mac in string.gmatch(f[3], '%S+') do
    requests[#requests + 1] = mac
    if mac == request then asked = true end
  end
  local full = #requests >= most
  if not asked then
    if full then
      local dropped = p .. ':request:' .. table.remove(requests, 2)
      if redis.call('GET', dropped) == key then redis.call('DEL', dropped) end
    end
    requests[#requests + 1] = request
    redis.call('HSET', record, 'requests', table.concat(requests, ' '))
  end
  if (state == 'refused' or state == 'lapsed') and not asked and not full then
    how = 'revived'
    local sent = state == 'lapsed' and exposedTo
    redis.call('HDEL', record, 'detail', 'blockHeight', 'blockHash', 'expiresAtMs')
    if not sent then redis.call('HDEL', record, 'exposedTo') end
    redis.call('HSET', record, 'state', sent and 'exposed' or 'held', 'bytes', bytes, 'notAfterMs', notAfter, 'changedAtMs', now)
    redis.call('HINCRBY', record, 'number', 1)
  elseif isLive(state) and tonumber(notAfter) > tonumber(f[4]) then
    redis.call('HSET', record, 'notAfterMs', notAfter)
  end
end

redis.call('SET', p .. ':request:' .. request, key, 'NX')
if how ~= 'merged' then
  reindex(key)
  tell(key)
end
return { how, redis.call('HGETALL', record) }
`

/** ARGV: key, expected number, nowMs, how many fields to set, those as field and value, then the fields to clear. */
const update = `${shared}
local key, sets = ARGV[1], tonumber(ARGV[4])
local record = at(key)
if redis.call('HGET', record, 'number') ~= ARGV[2] then return false end
redis.call('HINCRBY', record, 'number', 1)
local state, says = redis.call('HGET', record, 'state'), false
for i = 5, 3 + 2 * sets, 2 do
  says = says or ARGV[i] == 'detail' or (ARGV[i] == 'state' and ARGV[i + 1] ~= state)
  redis.call('HSET', record, ARGV[i], ARGV[i + 1])
end
for i = 5 + 2 * sets, #ARGV do
  says = says or ARGV[i] == 'detail'
  redis.call('HDEL', record, ARGV[i])
end
if says then redis.call('HSET', record, 'changedAtMs', ARGV[3]) end
reindex(key)
tell(key)
return redis.call('HGETALL', record)
`

/** ARGV: what, then per what: chain, after, limit | chain, height, limit | chain, height, hash | chain, laneMac | requestMac. */
const find = `${shared}
local keys = {}
if ARGV[1] == 'live' then
  keys = redis.call('ZRANGE', p .. ':live:' .. ARGV[2], ARGV[3] == '' and '-' or '(' .. ARGV[3], '+', 'BYLEX', 'LIMIT', 0, ARGV[4])
elseif ARGV[1] == 'settled' then
  keys = redis.call('ZRANGE', p .. ':block:' .. ARGV[2], '-inf', ARGV[3], 'BYSCORE', 'LIMIT', 0, ARGV[4])
elseif ARGV[1] == 'block' then
  for _, key in ipairs(redis.call('ZRANGE', p .. ':block:' .. ARGV[2], ARGV[3], ARGV[3], 'BYSCORE')) do
    if redis.call('HGET', at(key), 'blockHash') == ARGV[4] then keys[#keys + 1] = key end
  end
elseif ARGV[1] == 'lane' then
  keys = redis.call('SMEMBERS', p .. ':lane:' .. ARGV[2] .. ':' .. ARGV[3])
elseif ARGV[1] == 'request' then
  keys[1] = redis.call('GET', p .. ':request:' .. ARGV[2]) or nil
end
local records = {}
for i, key in ipairs(keys) do records[i] = redis.call('HGETALL', at(key)) end
return records
`

/** ARGV: chain, how many txIdMacs, those, then the slots. */
const match = `${shared}
local seen, records = {}, {}
local function take(index, first, last)
  for from = first, last, 1000 do
    for _, keys in ipairs(redis.call('HMGET', index, unpack(ARGV, from, math.min(from + 999, last)))) do
      for key in string.gmatch(keys or '', '%S+') do
        local state = not seen[key] and redis.call('HGET', at(key), 'state')
        seen[key] = true
        if isLive(state) or state == 'lapsed' then records[#records + 1] = redis.call('HGETALL', at(key)) end
      end
    end
  end
end
local macs = tonumber(ARGV[2])
take(p .. ':txids:' .. ARGV[1], 3, 2 + macs)
take(p .. ':slots:' .. ARGV[1], 3 + macs, #ARGV)
return records
`

/** ARGV: nowMs, limit. */
const sweep = `${shared}
local keys = redis.call('ZRANGE', p .. ':expiry', '-inf', ARGV[1], 'BYSCORE', 'LIMIT', 0, ARGV[2])
for _, key in ipairs(keys) do drop(key) end
return #keys
`

/** ARGV: chain, expected version, trail, nowMs. */
const saveCursor = `
local cursor = KEYS[1] .. ':cursor:' .. ARGV[1]
if (redis.call('HGET', cursor, 'version') or '0') ~= ARGV[2] then return 0 end
redis.call('HSET', cursor, 'trail', ARGV[3], 'savedAtMs', ARGV[4])
redis.call('HINCRBY', cursor, 'version', 1)
return 1
`

/** ARGV: name, owner, ttlMs. */
const lease = `
local name = KEYS[1] .. ':lease:' .. ARGV[1]
local owner = redis.call('GET', name)
if owner and owner ~= ARGV[2] then return 0 end
redis.call('SET', name, ARGV[2], 'PX', ARGV[3])
return 1
`

/** ARGV: name, owner. */
const unlease = `
local name = KEYS[1] .. ':lease:' .. ARGV[1]
if redis.call('GET', name) == ARGV[2] then redis.call('DEL', name) end
return 1
`

/** ARGV: id, report, ttlMs, how many are kept. */
const publish = `
local all, time = KEYS[1] .. ':processes', redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local others = {}
local flat = redis.call('HGETALL', all)
for i = 1, #flat, 2 do
  local heard, expires = string.match(flat[i + 1], '^(%d+) (%d+) ')
  if tonumber(expires) <= now then redis.call('HDEL', all, flat[i])
  elseif flat[i] ~= ARGV[1] then others[#others + 1] = { tonumber(heard), flat[i] } end
end
table.sort(others, function(a, b) return a[1] > b[1] end)
for i = tonumber(ARGV[4]), #others do redis.call('HDEL', all, others[i][2]) end
redis.call('HSET', all, ARGV[1], string.format('%d %d %s', now, now + tonumber(ARGV[3]), ARGV[2]))
return 1
`

/** Of each process that is not to be forgotten: report, when heard, how long ago. */
const processes = `
local time = redis.call('TIME')
local now, found = time[1] * 1000 + math.floor(time[2] / 1000), {}
for _, text in ipairs(redis.call('HVALS', KEYS[1] .. ':processes')) do
  local heard, expires, report = string.match(text, '^(%d+) (%d+) (.*)$')
  if tonumber(expires) > now then
    found[#found + 1] = { report, heard, string.format('%d', now - tonumber(heard)) }
  end
end
return found
`

/** ARGV: id. */
const forgetProcess = `return redis.call('HDEL', KEYS[1] .. ':processes', ARGV[1])`

/** ARGV: key, the key in whose place it comes, how many fields, those as field and value, then the requests that it is found by. */
const put = `${shared}
local key, fields = ARGV[1], tonumber(ARGV[3])
drop(ARGV[2])
drop(key)
redis.call('HSET', at(key), unpack(ARGV, 4, 3 + 2 * fields))
local f = redis.call('HMGET', at(key), 'chain', 'txIdMac', 'laneMac', 'sequence')
attach(p .. ':txids:' .. f[1], f[2], key)
if f[3] then attach(p .. ':slots:' .. f[1], f[3] .. ':' .. f[4], key) end
for i = 4 + 2 * fields, #ARGV do redis.call('SET', p .. ':request:' .. ARGV[i], key) end
reindex(key)
return 1
`

/** ARGV: id, ttlMs, `shared` or `alone`. 0 where another is alone, or where others are there and this one is to be alone. */
const claim = `
local users, alone = KEYS[1] .. ':users', KEYS[1] .. ':alone'
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', users, '-inf', string.format('%.0f', now))
local owner = redis.call('GET', alone)
if owner and owner ~= ARGV[1] then return 0 end
if ARGV[3] == 'alone' then
  local known = redis.call('ZSCORE', users, ARGV[1])
  if redis.call('ZCARD', users) > (known and 1 or 0) then return 0 end
  redis.call('SET', alone, ARGV[1], 'PX', ARGV[2])
else
  redis.call('ZADD', users, string.format('%.0f', now + ARGV[2]), ARGV[1])
end
return 1
`

/** ARGV: id. */
const disclaim = `
redis.call('ZREM', KEYS[1] .. ':users', ARGV[1])
if redis.call('GET', KEYS[1] .. ':alone') == ARGV[1] then redis.call('DEL', KEYS[1] .. ':alone') end
return 1
`

type Reply = Buffer | number | null | Reply[]
type Script = (...args: (string | number | Buffer)[]) => Promise<Reply>

const sources = {
  admit,
  update,
  find,
  match,
  sweep,
  saveCursor,
  lease,
  unlease,
  put,
  claim,
  disclaim,
  publish,
  processes,
  forgetProcess,
}

export type ScriptName = keyof typeof sources
export type ScriptReply = Reply

/** What ioredis takes at construction; each script is a command of this name with `veilcast` before it. */
export const scripts = Object.fromEntries(
  Object.entries(sources).map(([name, lua]) => [`veilcast_${name}`, { lua, numberOfKeys: 1 }]),
)

/** Runs a script with replies in Buffers, which keep sealed bytes as they are. */
export function runScript(
  client: object,
  name: ScriptName,
  args: (string | number | Buffer)[],
): Promise<Reply> {
  // ioredis makes these at construction, where types cannot follow.
  return (
    (client as Record<string, Script>)[`veilcast_${name}Buffer`]?.(prefix, ...args) ?? Promise.resolve(null)
  )
}
