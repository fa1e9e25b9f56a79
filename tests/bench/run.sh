#!/usr/bin/env bash
# Measures a real box and prints one JSON object a line: name, value, unit, compared_with, ratio.
#
#   tests/run.sh bench [NAME]     NAME: memory cpu size page first_page start heal adopt
#
# Every figure that has a peer or a raw baseline is measured against it in the same run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
only=${1:-}
release=$CARGO_TARGET_DIR/release/flashnode
images=$FLASHNODE_CACHE/images
box=/var/tmp/flashnode-bench-$$ base=27001
fn() { "$release" --box "$box" "$@"; }
supervisor=
start() { setsid "$release" --box "$box" supervise >> "$box/supervisor.log" 2>&1 & supervisor=$!; }
end() {
  [ -d "$box" ] || return 0
  fn shutdown --services >/dev/null 2>&1 || true
  [ -z "$supervisor" ] || { kill "$supervisor" 2>/dev/null || true; wait "$supervisor" 2>/dev/null || true; }
  fn shutdown --all >/dev/null 2>&1 || true
  rm -rf "$box"
}
trap end EXIT
wants() { [ -z "$only" ] || [ "$only" = "$1" ]; }
line() { # name value unit [compared_with ratio]
  jq -cn --arg name "$1" --argjson value "$2" --arg unit "$3" --arg with "${4:-}" --argjson ratio "${5:-null}" \
    '{name:$name,value:$value,unit:$unit,compared_with:(if $with=="" then null else $with end),ratio:$ratio}'
}
now_ms() { date +%s%3N; }
pid_of() { fn services "$1" --json | jq -r .pid; }
median() { sort -n | awk '{v[NR]=$1} END {print v[int((NR+1)/2)]}'; }
app_pid() { pgrep -f -- "--box $box app --config" | while read -r p; do [ "$(cat "/proc/$p/comm")" = flashnode ] && echo "$p" && break; done; }

mkdir -m 755 "$box"
printf 'name = "bench"\nnetwork = "regtest"\nruntime = "process"\nlisten = "127.0.0.1:%s"\nport_base = %s\nuid_base = 99000\nimages = "%s"\nplayground = false\n' \
  $((base - 1)) $base "$images" > "$box/flashnode.toml"
start
for _ in $(seq 80); do [ -S "$box/services/app/data/console.sock" ] && break; sleep 0.25; done
echo "correct horse battery staple" > "$box/password"
fn setup --owner ana --password-file "$box/password" --network regtest --json > /dev/null
fn status --wait good --timeout 120 > /dev/null

if wants size; then line release_binary "$(stat -c %s "$release")" bytes "25 MB" "$(awk -v v="$(stat -c %s "$release")" 'BEGIN{printf "%.3f", v/25e6}')"; fi

if wants memory; then
  sleep 20
  kb=0; for p in "$supervisor" $(app_pid); do kb=$((kb + $(awk '/RssAnon/{print $2}' "/proc/$p/status"))); done
  line memory_idle "$kb" KiB "60 MiB" "$(awk -v v=$kb 'BEGIN{printf "%.3f", v/61440}')"
fi

if wants cpu; then
  ticks() { awk '{print $14+$15}' "/proc/$supervisor/stat"; }
  a=$(ticks); sleep 30; b=$(ticks)
  line supervisor_cpu_idle "$(awk -v t=$((b - a)) -v hz="$(getconf CLK_TCK)" 'BEGIN{printf "%.2f", 100*t/hz/30}')" "% of a core" "1 %" \
    "$(awk -v t=$((b - a)) -v hz="$(getconf CLK_TCK)" 'BEGIN{printf "%.3f", 100*t/hz/30}')"
fi

url=https://localhost:$((base - 1))
if wants first_page; then
  curl -sk --compressed -o "$box/page" -w '%{size_download}' -H 'Accept-Encoding: gzip' "$url/sign-in" > "$box/size"
  total=$(cat "$box/size")
  for asset in $(grep -oE '(src|href)="/[^"]+\.(css|js|svg|webmanifest)[^"]*"' "$box/page" | cut -d'"' -f2 | sort -u); do
    total=$((total + $(curl -sk -H 'Accept-Encoding: gzip' -o /dev/null -w '%{size_download}' "$url$asset")))
  done
  line first_page_gzipped "$total" bytes "60 kB" "$(awk -v v="$total" 'BEGIN{printf "%.3f", v/60000}')"
fi

if wants page && command -v node >/dev/null; then
  node tests/bench/pages.mjs "$url/sign-in" 50 15
fi

if wants heal; then
  pid=$(pid_of bitcoind); began=$(now_ms); kill -9 "$pid"
  while p=$(pid_of bitcoind) && { [ "$p" = null ] || [ "$p" = "$pid" ] || [ "$(fn status --json | jq -r '.services[]|select(.name=="bitcoind").health')" != good ]; }; do sleep 0.1; done
  took=$(($(now_ms) - began))
  line first_crash_healed "$took" ms "10 s" "$(awk -v v=$took 'BEGIN{printf "%.3f", v/10000}')"
fi

if wants adopt; then
  sleep 65
  kill -9 "$supervisor"; wait "$supervisor" 2>/dev/null || true
  before=$(pgrep -f "$box/services/.*/run/order.json" | sort | tr '\n' ' ')
  began=$(now_ms); start
  until fn status --json 2>/dev/null | jq -e '.at > 0 and ([.services[].health] | all(. == "good"))' > /dev/null; do sleep 0.05; done
  took=$(($(now_ms) - began))
  [ "$before" = "$(pgrep -f "$box/services/.*/run/order.json" | sort | tr '\n' ' ')" ] || { echo "a service was restarted" >&2; exit 1; }
  line adoption "$took" ms "2 s" "$(awk -v v=$took 'BEGIN{printf "%.3f", v/2000}')"
fi

# The same programs, files and data, started by a shell script in dependency order.
by_hand() {
  local name hash root spec user
  for name in bitcoind electrs lnd; do
    spec=$(ls -t "$box/services/$name/specs/"*.json | head -1)
    root=$images/$(jq -r '.image.name + "/" + .image.hash' "$spec")/root; user=$(jq -r .user "$spec")
    mapfile -t command < <(jq -r '.command[]' "$spec")
    bwrap --unshare-pid --die-with-parent --ro-bind "$root" / --dev /dev --proc /proc --tmpfs /tmp --ro-bind /etc/hosts /etc/hosts \
      --bind "$box/services/$name/data" /data --ro-bind "${spec%.json}" /config --ro-bind "${spec%.json}/passwd" /etc/passwd \
      --setenv HOME /data -- setpriv --reuid "$user" --regid "$user" --clear-groups --no-new-privs "${command[@]}" > "$box/by-hand-$name.log" 2>&1 &
    hand+=($!)
    case $name in
      bitcoind) until curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$((base + 1))/" | grep -q 405; do sleep 0.05; done ;;
    esac
  done
  until curl -sk "https://127.0.0.1:$((base + 22))/v1/state" | grep -q SERVER_ACTIVE; do sleep 0.05; done
  until (exec 3<>"/dev/tcp/127.0.0.1/$((base + 10))") 2>/dev/null; do sleep 0.05; done
}
if wants start; then
  ours=() theirs=()
  for _ in 1 2 3 4 5; do
    fn shutdown --services > /dev/null; kill "$supervisor"; wait "$supervisor" 2>/dev/null || true; fn shutdown --all > /dev/null 2>&1 || true
    hand=(); began=$(now_ms); by_hand; theirs+=($(($(now_ms) - began)))
    for p in "${hand[@]}"; do pkill -TERM -P "$(pgrep -P "$p" | head -1)" 2>/dev/null || true; done
    wait "${hand[@]}" 2>/dev/null || true
    # What was stopped for this runs again by itself.
    began=$(now_ms); start
    until fn status --json 2>/dev/null | jq -e '.at > 0 and ([.services[].health] | all(. == "good"))' > /dev/null; do sleep 0.05; done
    ours+=($(($(now_ms) - began)))
  done
  o=$(printf '%s\n' "${ours[@]}" | median); t=$(printf '%s\n' "${theirs[@]}" | median)
  line start_to_good "$o" ms "the same by hand: $t ms" "$(awk -v a="$o" -v b="$t" 'BEGIN{printf "%.3f", a/b}')"
fi
