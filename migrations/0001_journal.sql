-- The database side of the hot standby: journal, positions, write lock. Everything lives in one schema of its own.

-- Table: server_state
--   One row: whose database this is, what the server is now, and the life of its journal.
create table :schema.server_state (
  only_row boolean primary key default true check (only_row),
  system_identifier text not null,
  database_oid oid not null,
  server_id text,
  role text not null default 'off' check (role in ('off', 'active', 'standby')),
  -- Shown to whoever is refused: where to write instead.
  active_name text,
  -- Changes when the journal loses its history; a standby with another generation must copy afresh.
  generation uuid not null default gen_random_uuid(),
  purged_tick_id bigint not null default 0,
  acknowledged_tick_id bigint,
  acknowledged_snapshot pg_snapshot,
  -- Set by a planned hand-over, cleared when it is undone or the server becomes active again.
  handed_over_tick_id bigint,
  handed_over_snapshot pg_snapshot
);
insert into :schema.server_state (system_identifier, database_oid)
select (select system_identifier::text from pg_catalog.pg_control_system()),
       (select oid from pg_catalog.pg_database where datname = current_database());

-- Sequence: capture_mode
--   1 capture is off, 2 changes are captured, 3 writes are refused. A sequence and not a table, because a transaction
--   with an old snapshot must see the mode of now, not the mode of when it began.
create sequence :schema.capture_mode minvalue 1 maxvalue 3 start 1 cache 1;

-- Table: captured_table
--   The tables whose changes are captured. The number names functions and triggers, since names end at 63 bytes.
create table :schema.captured_table (
  table_id integer generated always as identity primary key,
  schema_name text not null,
  table_name text not null,
  -- key: rows are named by key. wholeTable: the table is copied as a whole after a change.
  capture text not null check (capture in ('key', 'wholeTable')),
  key_columns text[] not null,
  key_slot text check (key_slot in ('k_int', 'k_uuid', 'k_text', 'k_row')),
  excluded_columns text[] not null default '{}',
  row_filter text,
  definition_hash text not null,
  unique (schema_name, table_name)
);

-- Table: journal
--   Which rows changed, never what they were changed to: the reader takes the row as it is in its snapshot.
--   Bounded by transaction id and snapshot; seq is for the primary key only and is not commit order. One index serves
--   both, because every writer pays for each.
create table :schema.journal (
  seq bigint generated always as identity (cache 1),
  xid xid8 not null default pg_catalog.pg_current_xact_id(),
  table_id integer not null,
  -- K: one row by its key. W: the whole table (truncated, or without a key).
  op "char" not null,
  k_int bigint,
  k_uuid uuid,
  k_text text collate "C",
  k_row jsonb,
  primary key (xid, seq)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);

-- Table: tick
--   Snapshots that were made durable before a standby committed them, so that a crash cannot take back what was sent.
create table :schema.tick (
  tick_id bigint generated always as identity (cache 1) primary key,
  snapshot pg_snapshot not null,
  -- Written by the standby for a batch; the others are the active's own, which the standby has yet to reach.
  of_standby boolean not null default false,
  taken_at timestamptz not null default clock_timestamp()
);
create index tick_of_active on :schema.tick (tick_id) where not of_standby;

-- Table: promotion
--   When this server became active, from which snapshot its journal counts, and how far it had applied the former active.
create table :schema.promotion (
  term bigint primary key,
  server_id text not null,
  snapshot pg_snapshot not null,
  tick_id bigint not null,
  former_source_id text,
  former_source_term bigint,
  former_snapshot pg_snapshot,
  -- The lives of both journals at that moment: a journal that was started afresh since does not have every change.
  generation uuid,
  former_generation uuid,
  promoted_at timestamptz not null default clock_timestamp()
);

-- Table: applied_position
--   On the standby: how far it has applied. Written in the transaction that applies.
create table :schema.applied_position (
  only_row boolean primary key default true check (only_row),
  source_id text not null,
  source_term bigint not null,
  source_generation uuid not null,
  snapshot pg_snapshot not null,
  -- The newest tick that is known to be durable on the active: the one of the snapshot, or an earlier one.
  tick_id bigint not null,
  tick_snapshot pg_snapshot not null,
  -- copying: a copy has begun and is not done; the data are no copy of anything yet.
  state text not null check (state in ('copying', 'applied')),
  applied_at timestamptz not null default clock_timestamp()
);

-- Table: replicated_table
--   On the standby: the state of each table, and the signal by which bypassed capture is noticed.
create table :schema.replicated_table (
  schema_name text not null,
  table_name text not null,
  state text not null check (state in ('replicated', 'quarantined')),
  reason text,
  source_signal text,
  last_change_at timestamptz,
  last_checked_at timestamptz,
  row_count bigint,
  primary key (schema_name, table_name)
);

-- Table: unsent_change
--   Changes of this server that had not reached the other one when it took over; row_values holds them as text.
create table :schema.unsent_change (
  change_id bigint generated always as identity primary key,
  kept_at timestamptz not null default clock_timestamp(),
  lost_term bigint not null,
  schema_name text not null,
  table_name text not null,
  kind text not null check (kind in ('row', 'deleted', 'wholeTable')),
  key_values text[],
  column_names text[],
  row_values text[],
  -- The key as the journal has it.
  journal_key text,
  -- Whether the new active has changed the row since it took over; null when that is not known.
  winner_changed boolean,
  -- The row as it was here once this server had followed the new active; null when there is none.
  winner_values text[],
  winner_known boolean not null default false,
  settled text check (settled in ('reapplied', 'discarded')),
  settled_at timestamptz,
  settled_by text
);

-- Function: move_position(...)
--   The standby's position goes forward from exactly the snapshot that the batch began at, or the batch fails.
create function :schema.move_position(
  source text, generation uuid, from_snapshot text, to_term bigint, to_snapshot pg_snapshot, tick bigint,
  tick_of pg_snapshot
) returns void
  language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  update :schema.applied_position p
    set source_term = to_term, snapshot = to_snapshot, tick_id = tick, tick_snapshot = tick_of,
      applied_at = pg_catalog.clock_timestamp()
    where p.source_id = source and p.source_generation = generation and p.snapshot::text = from_snapshot
      and p.state = 'applied';
  if not found then
    raise exception 'the applied position was changed by somebody else';
  end if;
end $$;

-- Function: wake_bell()
--   The advisory lock that the reader holds while it sleeps: only then somebody has to notify it.
create function :schema.wake_bell() returns bigint
  language sql immutable parallel safe set search_path = pg_catalog, pg_temp
  as $$ select pg_catalog.hashtextextended('pbx-hot-standby wake', 7421) $$;

-- Function: wake_reader()
--   Capture calls it only while the reader sleeps: NOTIFY serialises the commits of everyone who sends it. With two-phase
--   commit a NOTIFY would make PREPARE TRANSACTION fail, so the reader polls there. When some other listener of the
--   cluster is stuck and the queue fills, a NOTIFY would in the end fail the user's commit: it is left out long before.
create function :schema.wake_reader() returns void
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if pg_catalog.current_setting('max_prepared_transactions') = '0'
     and pg_catalog.pg_notification_queue_usage() < 0.5 then
    perform pg_catalog.pg_notify('pbx_hot_standby', '');
  end if;
end $$;

-- Function: has_columns(relation, names, types)
--   Whether a table has these columns. It reads the catalogue and is declared immutable all the same: with constants
--   it is worked out once, when a capture function's plan is made, and every change of the table throws that plan away,
--   since the constant names the table. A look at each statement would cost a fifth of the whole capture.
create function :schema.has_columns(relation regclass, names text[], types oid[]) returns boolean
  language sql immutable set search_path = pg_catalog, pg_temp as $$
  select pg_catalog.count(*) = pg_catalog.cardinality(names)
  from unnest(names, types) k(name, type)
  join pg_catalog.pg_attribute a on a.attrelid = relation and a.attname = k.name and a.atttypid = k.type
$$;

-- Function: refuse_write(schema, table)
--   Ends the statement: this server is standby.
create function :schema.refuse_write(refused_schema text, refused_table text) returns void
  language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
  active_server constant text := (select s.active_name from :schema.server_state s);
begin
  raise exception using
    errcode = 'HS423',
    message = pg_catalog.format('%I.%I cannot be changed: this server is standby', refused_schema, refused_table),
    hint = 'Make the change on the active server'
      || coalesce(' (' || active_server || ')', '') || '; it arrives here by itself.';
end $$;
