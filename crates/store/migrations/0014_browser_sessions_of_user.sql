-- The signed-in browsers of a user, so that they go with the user.
create index browser_sessions_of_user on browser_sessions (pool_id, user_id);
