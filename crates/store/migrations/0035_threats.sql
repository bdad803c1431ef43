-- What people did at a sign-in and around it, in pools that watch for threats; by it later attempts are judged.
create table auth_events (
  id            text    primary key,          -- begins with its moment
  pool_id       text    not null references user_pools (id) on delete cascade,
  user_id       text    not null,             -- empty: nobody's, written so that nobody costs as much as somebody
  client_id     text    not null,
  kind          text    not null,             -- EventType
  response      text    not null,             -- EventResponseType
  source        text    not null,             -- the address it came from; empty: not known
  device        text    not null,             -- known words of the User-Agent
  device_mac    text    not null,             -- what the device is known by, hashed; empty: nothing
  timezone      text    not null,
  level         text    not null,             -- RiskLevelType; empty: none
  decision      text    not null,             -- RiskDecisionType
  compromised   bigint  not null,
  challenges    text    not null,             -- JSON list of pairs: ChallengeName and ChallengeResponse
  feedback      text    not null,             -- FeedbackValueType; empty: none
  feedback_by   text    not null,
  feedback_ms   bigint  not null,
  created_ms    bigint  not null,
  expires_ms    bigint  not null
);
create index auth_events_of_user on auth_events (pool_id, user_id, id);
create index auth_events_by_expiry on auth_events (expires_ms);

-- What a pool, or one of its apps, does about threats.
create table risk_configurations (
  pool_id      text    not null references user_pools (id) on delete cascade,
  client_id    text    not null,              -- empty: the pool's
  config       text    not null,              -- RiskConfigurationType
  modified_ms  bigint  not null,
  primary key (pool_id, client_id)
); -- by key
