-- Administrators at the console: who is signed in, and what their next page says of what they sent.

create table console_sessions (
  handle_mac  bytea   primary key,
  key_id      text    not null,               -- the access key that opened it; it ends with the key
  seen_ms     bigint  not null,
  created_ms  bigint  not null,
  expires_ms  bigint  not null
);
create index console_sessions_by_expiry on console_sessions (expires_ms);

-- What became of a form: saved, or refused with what was typed. Shown to its session only.
create table console_notes (
  id          text    primary key,
  session     bytea   not null,               -- keyed hash of the session's handle
  content     bytea   not null,               -- JSON, sealed
  expires_ms  bigint  not null
);
create index console_notes_by_expiry on console_notes (expires_ms);
