-- SNS: what text messages are sent as, the numbers of the sandbox, and who wants none.

create table sms_attributes (
  name   text  primary key,
  value  text  not null
);

create table sms_sandbox_numbers (
  number      text    primary key,
  status      text    not null,             -- Pending | Verified
  code_mac    bytea,                        -- of the newest code; null once it was used
  attempts    bigint  not null,             -- at that code
  expires_ms  bigint  not null,
  touched_ms  bigint  not null              -- when it was last verified or tried
);

create table sms_opt_outs (
  number         text    primary key,
  out            bigint  not null,
  changed_ms     bigint  not null,
  opted_in_ms    bigint                     -- by the account, which may do so once in 30 days
);
