# Starts servers for the suites and stops them: postern itself, and a PostgreSQL that nobody else uses. Wants $target
# and $logs.

server_pids=()
pg_data=

# A port that is free now.
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
  done
  echo "$port"
}

stop_all() {
  local pid
  for pid in "${server_pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${server_pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  server_pids=()
  if [[ -n $pg_data ]]; then
    as_postgres "$pg_bin/pg_ctl" --pgdata "$pg_data" --mode immediate --silent stop || true
    rm -rf "$(dirname "$pg_data")"
    pg_data=
  fi
}

# Starts postern as a newcomer does, with more words; sets server_log and server_url: start_server NAME WORD…
start_server() {
  local name=$1 port
  shift
  port=$(free_port)
  server_log=$logs/server-$name.log
  server_url=http://localhost:$port
  "$target/debug/postern" serve --port "$port" --ephemeral "$@" >"$server_log" 2>&1 </dev/null &
  server_pids+=($!)
  # The last line of what it prints names the address to export.
  local tries
  for tries in {1..300}; do
    grep -q AWS_ENDPOINT_URL "$server_log" && return
    kill -0 "${server_pids[-1]}" 2>/dev/null || break
    sleep 0.1
  done
  echo "the server did not start:" >&2
  cat "$server_log" >&2
  return 1
}

# A word of what the server printed at its start: printed "App client"
printed() {
  sed -n "s/^ *$1 \+\([^ ]*\).*/\1/p" "$server_log" | head -n 1
}

# The two servers that the clients speak to, once for all suites. Who sets the variables speaks to servers of their own.
start_servers() {
  [[ -z ${POSTERN_SANDBOX_URL:-} ]] || return 0
  # With all the tests, for a program alone has fewer features in its dependencies, and they would be compiled again.
  cargo test --quiet --workspace --no-run || return
  export POSTERN_PROGRAM=$target/debug/postern
  start_server sandbox --ses-sandbox --strict-limits || return
  export POSTERN_SANDBOX_URL=$server_url
  # Where the functions will be that tests run, for triggers.
  POSTERN_FUNCTIONS_PORT=$(free_port)
  export POSTERN_FUNCTIONS_PORT
  start_server plain --functions "http://127.0.0.1:$POSTERN_FUNCTIONS_PORT" || return
  export POSTERN_URL=$server_url
  POSTERN_POOL=$(printed 'User pool') POSTERN_CLIENT=$(printed 'App client')
  export POSTERN_POOL POSTERN_CLIENT POSTERN_BINARY=$target/debug/postern
  echo "servers at $POSTERN_URL and $POSTERN_SANDBOX_URL, demo pool $POSTERN_POOL, client $POSTERN_CLIENT"
}

# PostgreSQL refuses to run as root, so then the user of Debian's package does it.
as_postgres() {
  if [[ $(id -u) -eq 0 ]]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi
}

# A cluster in a temporary folder, on this machine only, whose data nobody will miss.
start_postgres() {
  [[ -z $pg_data ]] || return 0
  local home port
  home=$(mktemp -d) || return
  [[ $(id -u) -ne 0 ]] || chown postgres "$home" || return
  pg_data=$home/data
  port=$(free_port)
  as_postgres "$pg_bin/initdb" --pgdata "$pg_data" --username postgres --auth trust --encoding UTF8 --locale C >/dev/null || return
  as_postgres "$pg_bin/pg_ctl" --pgdata "$pg_data" --wait --silent --log "$home/log" start --options \
    "-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories=$home -c max_connections=300 -c fsync=off -c full_page_writes=off" || return
  export POSTERN_TEST_POSTGRES=postgres://postgres@127.0.0.1:$port/postgres
}
