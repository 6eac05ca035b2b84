-- People logged in at a station: a restart of the service must not log a monitoring screen out.
create table session (
    token_sha256 blob primary key,
    person text not null,
    opened_us integer not null
) strict, without rowid;
