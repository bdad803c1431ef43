-- Messages that somebody waits for pass those that nobody waits for. Doubts are attempts of which it is not known whether
-- the relay took the message.
alter table outbox add column urgent bigint not null default 0;
alter table outbox add column doubts bigint not null default 0;
create index outbox_by_urgency on outbox (urgent, next_ms);
