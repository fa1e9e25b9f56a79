#!/usr/bin/env bash
# Runs the tests. Installs and starts what it needs, can be run again, ends only what it started.
#
#   tests/run.sh             everything that every submission must pass
#   tests/run.sh quick       format, clippy, tidy, unit and flow tests: no daemon, no engine
#   tests/run.sh shots       screenshots of every page: three languages, light and dark, phone and desktop
#   tests/run.sh bench [X]   measurements, one JSON object a line
#   tests/run.sh all         all of the above
#
# FLASHNODE_CACHE (default /var/cache/flashnode, or ~/.cache/flashnode) keeps built daemons and the cargo target folder.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [ "$(id -u)" = 0 ]; then sudo=; default=/var/cache/flashnode; else sudo=sudo; default=$HOME/.cache/flashnode; fi
export FLASHNODE_CACHE=${FLASHNODE_CACHE:-$default}
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$FLASHNODE_CACHE/target}
export CARGO_TERM_COLOR=never FLASHNODE_PROFILE=dev
mkdir -p "$FLASHNODE_CACHE"
what=${1:-main}

passed=0 failed=0 skipped=0
declare -a timings=()
log=$(mktemp -d)
started_ids=()
finish() {
  for id in "${started_ids[@]:-}"; do [ -z "$id" ] || $sudo kill "$id" 2>/dev/null || true; done
}
trap finish EXIT

say() { printf '\n== %s\n' "$*"; }

# stage NAME COMMAND…: runs it, counts its tests from its own closing lines, prints its seconds.
stage() {
  local name=$1 began=$SECONDS ok=1; shift
  say "$name"
  if "$@" > "$log/$name" 2>&1; then ok=0; fi
  grep -aE '^(test result:|[0-9]+ passed)' "$log/$name" || true
  local p f
  p=$({ grep -aoE '[0-9]+ passed' "$log/$name" || true; } | awk '{s+=$1} END {print s+0}')
  f=$({ grep -aoE '[0-9]+ failed' "$log/$name" || true; } | awk '{s+=$1} END {print s+0}')
  if [ "$ok" -ne 0 ]; then
    tail -n 80 "$log/$name"
    [ "$f" -gt 0 ] || f=1
  elif [ "$p" -eq 0 ]; then p=1; fi
  passed=$((passed + p)); failed=$((failed + f))
  timings+=("$name: $((SECONDS - began)) s")
  echo "($((SECONDS - began)) s)"
}

skip() { say "$1: skipped, $2"; skipped=$((skipped + 1)); }

packages() {
  local missing=() package
  for package in bubblewrap debootstrap jq curl chromium postgresql docker.io iptables build-essential pkg-config cmake clang libclang-dev protobuf-compiler; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  $sudo apt-get update
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
}

# A throw-away PostgreSQL for the store tests.
start_postgres() {
  local bin dir=$log/postgres port=54329
  bin=$(ls -d /usr/lib/postgresql/*/bin | tail -1)
  mkdir -p "$dir"
  local as=(); if [ "$(id -u)" = 0 ]; then chown -R postgres "$dir"; chmod 755 "$log"; as=(setpriv --reuid=postgres --regid=postgres --clear-groups); fi
  (cd "$dir" && "${as[@]}" "$bin/initdb" -D "$dir/data" -U test --auth=trust --no-sync >/dev/null)
  (cd "$dir" && exec "${as[@]}" "$bin/postgres" -D "$dir/data" -p $port -k "$dir" -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=200) > "$dir/log" 2>&1 &
  started_ids+=($!)
  for _ in $(seq 50); do "$bin/pg_isready" -q -h 127.0.0.1 -p $port && break; sleep 0.2; done
  export FLASHNODE_TEST_POSTGRES=postgres://test@127.0.0.1:$port/postgres
}

# Debian starts no engine where systemd is not PID 1.
start_engine() {
  docker info >/dev/null 2>&1 && return
  command -v dockerd >/dev/null || return 0
  $sudo sh -c 'exec dockerd' > "$log/dockerd" 2>&1 &
  started_ids+=($!)
  for _ in $(seq 40); do docker info >/dev/null 2>&1 && return; sleep 0.5; done
  echo "no container engine could be started here; its tests are skipped"
}

tool() { command -v "$1" >/dev/null || [ -x "$FLASHNODE_CACHE/tools/bin/$1" ] || cargo install --locked --root "$FLASHNODE_CACHE/tools" --target-dir "$FLASHNODE_CACHE/tools/target" "$1"; }

lints() {
  cargo fmt --all --check
  cargo clippy --workspace --all-targets -- -D warnings
}
dependencies() {
  tool cargo-deny; tool cargo-machete
  cargo deny --config .deny.toml check bans licenses sources
  cargo machete
}
unit() { cargo test --workspace --lib --bins; }
flows() { cargo test -p flashnode-web --tests && cargo test -p flashnode-tests --test tidy; }
build() { cargo build --workspace --all-targets; }
conformance() { cargo test -p flashnode-tests --test conformance -- --test-threads=2; }
regtest() { cargo test -p flashnode-tests --test regtest -- --test-threads=1; }
compose() { "$CARGO_TARGET_DIR/debug/flashnode" compose --check; }
npm_ci() { (cd "$1" && npm ci --ignore-scripts --no-audit --no-fund); }
browser() { npm_ci tests/browser && node tests/browser/run.mjs "$@"; }
export PATH=$PATH:$FLASHNODE_CACHE/tools/bin

main_run() {
  stage packages packages
  stage images images/build.sh
  if command -v npm >/dev/null; then stage "web code" npm_ci web; else skip "web code" "npm is not here: pages work as plain links and forms"; fi
  stage build build
  stage lints lints
  stage dependencies dependencies
  start_postgres
  stage unit unit
  stage flows flows
  stage compose compose
  start_engine
  stage conformance conformance
  stage regtest regtest
  if [ -d tests/browser ] && command -v node >/dev/null; then stage browser browser; else skip browser "node is not here"; fi
}

case $what in
  main) main_run ;;
  quick) stage build build; stage lints lints; stage unit unit; stage flows flows ;;
  shots) stage packages packages; stage build build; stage shots browser shots ;;
  bench) shift || true; cargo build --release -p flashnode; exec tests/bench/run.sh "$@" ;;
  all) main_run; stage shots browser shots ;;
  *) sed -n '2,11s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 2 ;;
esac

say "seconds per stage"
printf '  %s\n' "${timings[@]}"
echo
if [ "$skipped" -gt 0 ]; then echo "$passed passed, $failed failed, $skipped skipped"; else echo "$passed passed, $failed failed"; fi
[ "$failed" -eq 0 ]
