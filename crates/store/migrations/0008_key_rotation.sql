-- When a key begins to sign: a new one is published before it is used.
alter table signing_keys add column active_ms bigint not null default 0;
