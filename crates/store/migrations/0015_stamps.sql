-- One row a topic: a number that changes whenever anything of the topic is written.
create table stamps (
  topic  text    primary key,
  stamp  bigint  not null
);
