-- Times are microseconds since 1970 in UTC. Identifiers of recordings and alerts are the 16 bytes of a UUID.
-- Absent is null.

create table device (
    id text primary key,
    label text not null,
    simulated boolean not null,
    secret_sha256 bytea not null,
    registered_us bigint not null,
    revoked_us bigint
);

-- Fixed by the first block, but for the last two columns: they spare readers a walk through all blocks.
create table recording (
    handle bigint generated always as identity primary key,
    id bytea not null unique,
    device text not null,
    start_us bigint not null,
    block_length_ms bigint not null,
    fhr_hz bigint not null,
    toco_hz bigint not null,
    fhr_step_quarter_bpm bigint not null,
    fetuses bigint not null,
    received_us bigint not null,
    -- Arrival of some block; the newest arrival is less than a minute later.
    touched_us bigint not null,
    -- Start of a block up to which no block is missing; null while none was checked.
    checked_us bigint
);

create index recording_by_touch on recording (touched_us);

-- The key holds the time, as a TimescaleDB hypertable demands.
create table block (
    recording bigint not null references recording (handle),
    start_us bigint not null,
    received_us bigint not null,
    payload bytea not null,
    primary key (recording, start_us)
);

create table quarantined (
    number bigint generated always as identity primary key,
    received_us bigint not null,
    topic text not null,
    reason text not null,
    payload bytea not null
);

-- The recording may be unknown as yet: a start is told before the first block.
create table device_event (
    device text not null,
    sequence bigint not null,
    recording bytea,
    at_us bigint not null,
    kind text not null,
    received_us bigint not null,
    primary key (device, sequence)
);

create index device_event_by_recording on device_event (recording, at_us);
create index device_event_by_arrival on device_event (received_us);

create table finding (
    recording bigint not null references recording (handle),
    number bigint not null,
    revision bigint not null,
    fetus bigint,
    kind text not null,
    stage text not null,
    start_us bigint not null,
    end_us bigint not null,
    ongoing boolean not null,
    known_until_us bigint not null,
    method text not null,
    method_version bigint not null,
    measurements bytea not null,
    recorded_us bigint not null,
    primary key (recording, number, revision)
);

create table baseline (
    recording bigint not null references recording (handle),
    fetus bigint not null,
    minute_us bigint not null,
    points bytea not null,
    recorded_us bigint not null,
    primary key (recording, fetus, minute_us)
);

-- The recording may be unknown: an alert never waits for a block.
create table alert (
    id bytea primary key,
    device text,
    recording bytea,
    fetus bigint,
    condition text not null,
    priority text not null,
    state text not null,
    step bigint not null,
    generation bigint not null,
    version bigint not null,
    cleared_us bigint,
    late boolean not null,
    episodes bigint not null,
    raised_us bigint not null,
    changed_us bigint not null,
    deadline_us bigint,
    owner text,
    policy text not null,
    policy_version bigint not null,
    method text,
    method_version bigint,
    finding bigint,
    start_us bigint not null,
    end_us bigint not null,
    quantity text,
    value double precision,
    value_limit double precision
);

create unique index alert_open_once on alert
    (coalesce(device, ''), coalesce(recording, ''::bytea), coalesce(fetus, -1), condition)
    where state <> 'resolved';
create index alert_by_deadline on alert (deadline_us) where state <> 'resolved';
create index alert_by_end on alert (changed_us) where state = 'resolved';

create table alert_log (
    alert bytea not null references alert (id),
    version bigint not null,
    at_us bigint not null,
    kind text not null,
    person text,
    note text,
    priority text not null,
    step bigint not null,
    deadline_us bigint,
    primary key (alert, version)
);
