import type { StoreStep } from '../storeVersion.ts'

/**
 * The record's tables, all in the schema `veilcast`. A migration that has shipped is never edited: append one. It is of the same
 * `major` as the last where releases that do not know it work on beside it.
 *
 * Sequences and heights are unsigned 64-bit on their chains, hence numeric(20). Keyed hashes compare by byte ("C").
 */
export const migrations: readonly StoreStep<string>[] = [
  {
    major: 1,
    work: `
create table veilcast.life (
  one boolean primary key default true check (one),
  id uuid not null default gen_random_uuid(),
  restores integer not null default 0,
  known bytea
);
insert into veilcast.life default values;

create table veilcast.record (
  key text collate "C" primary key,
  chain text collate "C" not null,
  tx_id_mac text collate "C" not null,
  lane_mac text collate "C",
  sequence numeric(20),
  state text not null check (state in ('held', 'exposed', 'included', 'final', 'replaced', 'refused', 'lapsed')),
  number integer not null,
  bytes bytea,
  tx_id bytea not null,
  detail bytea,
  exposed_to text,
  block_height numeric(20),
  block_hash text,
  request_macs text[] not null,
  not_after_ms bigint not null,
  created_at_ms bigint not null,
  changed_at_ms bigint not null,
  expires_at_ms bigint
);
create index record_live on veilcast.record (chain, key) where state in ('held', 'exposed', 'included');
create index record_tx_id on veilcast.record (chain, tx_id_mac);
create index record_slot on veilcast.record (chain, lane_mac, sequence) where lane_mac is not null;
create index record_lane on veilcast.record (chain, lane_mac) where state in ('held', 'exposed', 'included');
create index record_block on veilcast.record (chain, block_height) where state in ('held', 'exposed', 'included') and block_height is not null;
create index record_expiry on veilcast.record (expires_at_ms) where expires_at_ms is not null;

create table veilcast.request (
  mac text collate "C" primary key,
  key text collate "C" not null references veilcast.record on delete cascade
);
create index request_key on veilcast.request (key);

create table veilcast.cursor (
  chain text primary key,
  trail jsonb not null,
  version integer not null,
  saved_at_ms bigint not null
);

create unlogged table veilcast.lease (
  name text primary key,
  owner text not null,
  expires_at timestamptz not null
);

create function veilcast.admit(
  a_key text, a_chain text, a_tx_id_mac text, a_lane_mac text, a_sequence numeric, a_bytes bytea, a_tx_id bytea,
  a_request text, a_not_after_ms bigint, a_now_ms bigint, a_max_requests integer,
  out how text, out r veilcast.record
) language plpgsql as $$
declare
  asked boolean;
  kept text[];
begin
  loop
    insert into veilcast.record values (
      a_key, a_chain, a_tx_id_mac, a_lane_mac, a_sequence, 'held', 1, a_bytes, a_tx_id, null, null, null, null,
      array[a_request], a_not_after_ms, a_now_ms, a_now_ms, null
    ) on conflict (key) do nothing returning * into r;
    how := 'created';
    exit when found;
    select * into r from veilcast.record where key = a_key for update;
    how := 'merged';
    exit when found;
  end loop;

  if how = 'merged' then
    asked := a_request = any (r.request_macs);
    kept := case
      when asked then r.request_macs
      when cardinality(r.request_macs) < a_max_requests then r.request_macs || a_request
      else r.request_macs[1:1] || r.request_macs[3:] || a_request
    end;
    if r.state in ('refused', 'lapsed') and not asked and cardinality(r.request_macs) < a_max_requests then
      how := 'revived';
      update veilcast.record set
        state = case when r.state = 'lapsed' and r.exposed_to is not null then 'exposed' else 'held' end,
        exposed_to = case when r.state = 'lapsed' then r.exposed_to end,
        number = r.number + 1, bytes = a_bytes, detail = null, block_height = null, block_hash = null,
        request_macs = kept, not_after_ms = a_not_after_ms, changed_at_ms = a_now_ms, expires_at_ms = null
      where key = a_key returning * into r;
    elsif not asked or (r.state in ('held', 'exposed', 'included') and a_not_after_ms > r.not_after_ms) then
      delete from veilcast.request where key = a_key and mac = any (r.request_macs) and mac <> all (kept);
      update veilcast.record set
        request_macs = kept,
        not_after_ms = case when r.state in ('held', 'exposed', 'included')
          then greatest(r.not_after_ms, a_not_after_ms) else r.not_after_ms end
      where key = a_key returning * into r;
    end if;
  end if;

  insert into veilcast.request values (a_request, a_key) on conflict do nothing;
  if how <> 'merged' then
    perform pg_notify('veilcast_record', a_key);
  end if;
end $$;
`,
  },
  {
    major: 1,
    work: `
create index record_unsent on veilcast.record (chain) where state in ('refused', 'lapsed') and exposed_to is null;
`,
  },
  {
    major: 1,
    work: `
create unlogged table veilcast.process (
  id text primary key,
  report text not null,
  heard_at timestamptz not null,
  expires_at timestamptz not null
);

create table veilcast.sample (
  span text not null,
  at_ms bigint not null,
  body text not null,
  primary key (span, at_ms)
);

create table veilcast.audit (
  number bigint generated always as identity primary key,
  body text not null
);
`,
  },
  {
    major: 1,
    work: `
alter table veilcast.life add column closed text, add column sealed_by text;
`,
  },
]
