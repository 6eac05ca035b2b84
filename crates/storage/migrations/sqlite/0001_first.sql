-- Times are microseconds since 1970 in UTC. Identifiers of recordings and alerts are the 16 bytes of a UUID.
-- Absent is null.

create table device (
    id text primary key,
    label text not null,
    simulated integer not null,
    secret_sha256 blob not null,
    registered_us integer not null,
    revoked_us integer
) strict, without rowid;

-- Fixed by the first block, but for the last two columns: they spare readers a walk through all blocks.
create table recording (
    handle integer primary key,
    id blob not null unique,
    device text not null,
    start_us integer not null,
    block_length_ms integer not null,
    fhr_hz integer not null,
    toco_hz integer not null,
    fhr_step_quarter_bpm integer not null,
    fetuses integer not null,
    received_us integer not null,
    -- Arrival of some block; the newest arrival is less than a minute later.
    touched_us integer not null,
    -- Start of a block up to which no block is missing; null while none was checked.
    checked_us integer
) strict;

create index recording_by_touch on recording (touched_us);

-- Clustered by its key: a recording is read in stretches of time.
create table block (
    recording integer not null references recording (handle),
    start_us integer not null,
    received_us integer not null,
    payload blob not null,
    primary key (recording, start_us)
) strict, without rowid;

create table quarantined (
    number integer primary key autoincrement,
    received_us integer not null,
    topic text not null,
    reason text not null,
    payload blob not null
) strict;

-- The recording may be unknown as yet: a start is told before the first block.
create table device_event (
    device text not null,
    sequence integer not null,
    recording blob,
    at_us integer not null,
    kind text not null,
    received_us integer not null,
    primary key (device, sequence)
) strict, without rowid;

create index device_event_by_recording on device_event (recording, at_us);
create index device_event_by_arrival on device_event (received_us);

create table finding (
    recording integer not null references recording (handle),
    number integer not null,
    revision integer not null,
    fetus integer,
    kind text not null,
    stage text not null,
    start_us integer not null,
    end_us integer not null,
    ongoing integer not null,
    known_until_us integer not null,
    method text not null,
    method_version integer not null,
    measurements blob not null,
    recorded_us integer not null,
    primary key (recording, number, revision)
) strict, without rowid;

create table baseline (
    recording integer not null references recording (handle),
    fetus integer not null,
    minute_us integer not null,
    points blob not null,
    recorded_us integer not null,
    primary key (recording, fetus, minute_us)
) strict, without rowid;

-- The recording may be unknown: an alert never waits for a block.
create table alert (
    id blob primary key,
    device text,
    recording blob,
    fetus integer,
    condition text not null,
    priority text not null,
    state text not null,
    step integer not null,
    generation integer not null,
    version integer not null,
    cleared_us integer,
    late integer not null,
    episodes integer not null,
    raised_us integer not null,
    changed_us integer not null,
    deadline_us integer,
    owner text,
    policy text not null,
    policy_version integer not null,
    method text,
    method_version integer,
    finding integer,
    start_us integer not null,
    end_us integer not null,
    quantity text,
    value real,
    value_limit real
) strict, without rowid;

create unique index alert_open_once on alert
    (coalesce(device, ''), coalesce(recording, x''), coalesce(fetus, -1), condition)
    where state <> 'resolved';
create index alert_by_deadline on alert (deadline_us) where state <> 'resolved';
create index alert_by_end on alert (changed_us) where state = 'resolved';

create table alert_log (
    alert blob not null references alert (id),
    version integer not null,
    at_us integer not null,
    kind text not null,
    person text,
    note text,
    priority text not null,
    step integer not null,
    deadline_us integer,
    primary key (alert, version)
) strict, without rowid;
