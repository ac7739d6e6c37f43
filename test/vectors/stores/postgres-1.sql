-- {"writtenAtMs":1795842700307,"transactions":{"ended":{"signedTx":"0x02f86d827a6980843b9aca008502540be40082520894000000000000000000000000000000000000dead0180c080a06323317b1dc783ed086534ee1b106f51103cb9b835bfc80a11a18b7e1752d239a02ca8648f85fb2bd54d23f89bff67c309b6fe136b000482834428a9f25355e5f6","requestId":"08f5e09ebb866b8471f818d0f6f4b2ff","account":1,"nonce":0},"exposed":{"signedTx":"0x02f86d827a6980843b9aca008502540be40082520894000000000000000000000000000000000000dead0180c080a0e3e85374f6453fbd710d601cc60f172c34f4025223441b1c00ade45467dae5f5a02c1932f8763f75cf4cb3abeaff93175bb472ca8453394df1a215593aec9f3725","requestId":"fdf0282807a53c6f94afe17db0cdccb7","account":0,"nonce":0},"held":{"signedTx":"0x02f86d827a6980843b9aca008502540be40082520894000000000000000000000000000000000000dead0180c080a014ef197e9b8e604566c9191e73b5becdcc194898f84bb6f4099e0b3846b14bc1a07f9b56ffe04f27a547e70b31f510d35e429333f62a285c11f2b9423730a6d4e5","requestId":"1c33319ca591133e6b04a125d7d1c6b2","account":2,"nonce":0}}}
create schema veilcast;
create table veilcast.migration (version integer primary key, applied_at timestamptz not null default now());
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
create index record_unsent on veilcast.record (chain) where state in ('refused', 'lapsed') and exposed_to is null;
delete from veilcast.life;
insert into veilcast.migration (version,applied_at) overriding system value values ('1','2026-11-28T05:11:50.567Z');
insert into veilcast.migration (version,applied_at) overriding system value values ('2','2026-11-28T05:11:50.567Z');
insert into veilcast.life (one,id,restores,known) overriding system value values ('true','cfc9ff8e-80ff-4b04-b27a-01051d599365','0','\xd0fc1269f52bdd8f');
insert into veilcast.record (key,chain,tx_id_mac,lane_mac,sequence,state,number,bytes,tx_id,detail,exposed_to,block_height,block_hash,request_macs,not_after_ms,created_at_ms,changed_at_ms,expires_at_ms) overriding system value values ('2xujbsnwwe75zgvzvn6catuk64','eip155:31337','ekoygq3yxhskvgkkp3gaxveyyu','3mkaxwn7sbrxgwudmilketwkee','17005446290626884780','final','4',null,'\xd2de08e85fca863f571a2f1e80e059b5487d989012feb0c9280676c40a1c471e3b2d24b196f1c69dba6202744093445f502deac8af085ff8e78193f6','\x9511a37ec1338b4f9a40a748f43f2178495f0f5b1f4542a5c035e8f38cc888c199af95db28843349e912b1097bfb192fb6f6f9dee8b975437f3053d6c066b61be56fb1ef1353a14fe710c9db906561cab2c9a5a4fa069da8f221f8082e1ad5c3d3532180ae','anvil',null,null,array['ihavptpksobthpnn3gkpaqo3me']::text[],'1795922712000','1795842712156','1795842712793','1795929112793');
insert into veilcast.record (key,chain,tx_id_mac,lane_mac,sequence,state,number,bytes,tx_id,detail,exposed_to,block_height,block_hash,request_macs,not_after_ms,created_at_ms,changed_at_ms,expires_at_ms) overriding system value values ('5nlugxsmosqtak3hogp32dp7ei','eip155:31337','put5zwacmc5aldmuowkfbmvnsu','b4uyxdujyspykoyjyfdb4ntxby','14464776916511129400','exposed','2','\xad7ff3ae86f9de25f8d4c4d9c6e4df7a4486d9e9eb986c2249858bcd5bc06c6c509cb306c8c20d20ac566ca9be849e195be675b002aac946240c280f98dddc236f0299d7aef16bb88d60f62f8dc74669876389ac96590e03fd69bf4ac47a8a6267d78287d4b0449ae24d1f002dc7fe5cb231c85c87bbcf07bd86085e3b86a0fa4173cd9e8fe01a473d9e580f','\x825cf05f3f0642f34a2ba131930131a0142077377e55cbf0d96c90c0762a41896538cd58462bf351429db57ded1ad9f67d86527b02050a5280793d42',null,'anvil',null,null,array['c3hqczykwxivb4d3kb5km5reqe']::text[],'1795922713000','1795842713724','1795842713848',null);
insert into veilcast.record (key,chain,tx_id_mac,lane_mac,sequence,state,number,bytes,tx_id,detail,exposed_to,block_height,block_hash,request_macs,not_after_ms,created_at_ms,changed_at_ms,expires_at_ms) overriding system value values ('kklvj3dn26hplh4yigyi2ey7xy','eip155:31337','hrg27uje35mt3xj2mbhmisr2uq','q4fh677ye5mgbv2wpfy2kvh52y','6491269634504131582','held','1','\x4f6e6299102f9ed8e94753444fa88c6a17ed7c6087edae405b126580e036fe30b167a0826391fd18c79c263a22448f8cf4b1dc144912d45215aac39d51b02e26a0523ae388ffce2bd9da5d38002e340b9352897848df2aa3c62b800de3c87a0e8202897442c7906bd7d41feb16fe53f855889b623808b057db9df9ba2e5439c1876d3d85594c9e02cc2791eb','\x2dd7a717c96142ee8276da5e276d123d1ba66a152a9e70cd82ddb417f51c0ed2295c1d92c008b5f0658caf15551995b09f5da9fd4bb5dcbc97a5d52e',null,null,null,null,array['7y7ifdiriuqueych3eyphgvcam']::text[],'1795922713000','1795842713999','1795842713999',null);
insert into veilcast.request (mac,key) overriding system value values ('ihavptpksobthpnn3gkpaqo3me','2xujbsnwwe75zgvzvn6catuk64');
insert into veilcast.request (mac,key) overriding system value values ('c3hqczykwxivb4d3kb5km5reqe','5nlugxsmosqtak3hogp32dp7ei');
insert into veilcast.request (mac,key) overriding system value values ('7y7ifdiriuqueych3eyphgvcam','kklvj3dn26hplh4yigyi2ey7xy');
insert into veilcast.cursor (chain,trail,version,saved_at_ms) overriding system value values ('eip155:31337','[["0","18e440c0f2bbb1994bca63fed093eb319722c31d1f564b57fe7321938e90b1c2"],["1","3b085ef1e29940ce3675bbb0ea533d054fa822c7251b3e1af61918345b3bf39a"]]','2','1795842712778');
insert into bullmq."job" (queue,id,seq,name,state,data,opts,priority,delay_ms,max_attempts,attempts_made,attempts_started,progress,return_value,failed_reason,stacktrace,deferred_failure,processed_by,added_at_ms,process_at_ms,processed_at_ms,finished_at_ms,lock_token,locked_until_ms,stalled_count,dedup_id,scheduler_id,parent_queue,parent_id,parent_key,pending_deps,stalled_marked) overriding system value values ('reconcile','repeat:reconcile:1795842741456','2','reconcile','delayed','{}','{"delay":29905,"jobId":"repeat:reconcile:1795842741456","repeat":{"count":2,"every":30000,"offset":null},"attempts":0,"timestamp":1795842711551,"removeOnFail":true,"repeatJobKey":"reconcile","removeOnComplete":true}','0','29905','0','0','0',null,null,null,null,null,null,'1795842711551','1795842741456',null,null,null,null,'0',null,'reconcile',null,null,null,'0','false');
insert into bullmq."job" (queue,id,seq,name,state,data,opts,priority,delay_ms,max_attempts,attempts_made,attempts_started,progress,return_value,failed_reason,stacktrace,deferred_failure,processed_by,added_at_ms,process_at_ms,processed_at_ms,finished_at_ms,lock_token,locked_until_ms,stalled_count,dedup_id,scheduler_id,parent_queue,parent_id,parent_key,pending_deps,stalled_marked) overriding system value values ('submit','kklvj3dn26hplh4yigyi2ey7xy','6','submit','active','{"key":"kklvj3dn26hplh4yigyi2ey7xy","lane":"q4fh677ye5mgbv2wpfy2kvh52y","again":[],"chain":"eip155:31337","stalls":0}','{"jobId":"kklvj3dn26hplh4yigyi2ey7xy","attempts":0,"removeOnFail":true,"removeOnComplete":true}','0','0','0','0','1',null,null,null,null,null,null,'1795842714044',null,'1795842714047',null,'e554fccd-d2b6-46b3-80bc-92476820ae89:5','1795842719047','0',null,null,null,null,null,'0','false');
insert into bullmq."meta" (queue,field,value) overriding system value values ('submit','opts.maxLenEvents','1000');
insert into bullmq."meta" (queue,field,value) overriding system value values ('submit','version','bullmq:6.7.0');
insert into bullmq."meta" (queue,field,value) overriding system value values ('confirm-eip155-31337','opts.maxLenEvents','1000');
insert into bullmq."meta" (queue,field,value) overriding system value values ('confirm-eip155-31337','version','bullmq:6.7.0');
insert into bullmq."meta" (queue,field,value) overriding system value values ('reconcile','opts.maxLenEvents','1000');
insert into bullmq."meta" (queue,field,value) overriding system value values ('reconcile','version','bullmq:6.7.0');
insert into bullmq."meta" (queue,field,value) overriding system value values ('reconcile','stalled-check','1795842711521');
insert into bullmq."meta" (queue,field,value) overriding system value values ('confirm-eip155-31337','stalled-check','1795842711383');
insert into bullmq."meta" (queue,field,value) overriding system value values ('submit','stalled-check','1795842711690');
insert into bullmq."scheduler" (queue,scheduler_id,name,next_run_ms,pattern,every_ms,tz,start_date_ms,end_date_ms,limit_count,iteration_count,template_data,template_opts,producer_id,offset_ms) overriding system value values ('reconcile','reconcile','reconcile','1795842741456',null,'30000',null,null,null,null,'2','{}','{"removeOnFail":true,"removeOnComplete":true}',null,'21456');
