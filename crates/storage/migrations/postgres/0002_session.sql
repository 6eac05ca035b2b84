-- People logged in at a station: a restart of the service must not log a monitoring screen out.
create table session (
    token_sha256 bytea primary key,
    person text not null,
    opened_us bigint not null
);
