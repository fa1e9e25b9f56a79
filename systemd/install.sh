#!/usr/bin/env bash
# Installs a Flashnode box on Debian 12, or brings an installed one up to date. It may be run again at any time:
# it restarts nothing that has not changed, and loses nothing.
#
#   sudo systemd/install.sh [options]
#
#   --network NET        mainnet (default), testnet4, signet or regtest; fixed when the box is set up
#   --runtime R          auto (default), docker or process
#   --listen ADDR:PORT   where the pages are served (default 127.0.0.1:8443)
#   --prefix DIR         the box's folder (default /var/lib/flashnode)
#   --port-base N        first of 100 ports of the box's services (default 21000)
#   --name NAME          the box's name (default: flashnode, or the last part of the prefix)
#   --no-playground      on regtest: no miner, faucet and second node
#   --yes                ask nothing
#   --uninstall          stop the box and remove the program; its data stays
#   --purge              with --uninstall: delete the box's data too
#
# Environment: FLASHNODE_CACHE (default /var/cache/flashnode) keeps built daemons and the compiler's results;
# FLASHNODE_PROFILE=dev builds without optimisation.
set -euo pipefail
umask 022

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source_dir=$(dirname "$here")
cache=${FLASHNODE_CACHE:-/var/cache/flashnode}
default_prefix=/var/lib/flashnode
prefix=$default_prefix network='' runtime='' listen='' port_base='' name='' playground=''
yes='' uninstall='' purge=''

say() { printf '%s\n' "$*" >&2; }
die() { say "install: $*"; exit 1; }
usage() { sed -n '2,22s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }

# --- what is asked -------------------------------------------------------------------------------

# Takes the value of an option that needs one.
value() {
  if [ $# -lt 2 ] || [ -z "$2" ]; then say "install: $1 needs a value"; exit 2; fi
  printf '%s' "$2"
}

parse() {
  while [ $# -gt 0 ]; do
    case $1 in
      --network) network=$(value "$@"); shift 2 ;;
      --runtime) runtime=$(value "$@"); shift 2 ;;
      --listen) listen=$(value "$@"); shift 2 ;;
      --prefix) prefix=$(value "$@"); shift 2 ;;
      --port-base) port_base=$(value "$@"); shift 2 ;;
      --name) name=$(value "$@"); shift 2 ;;
      --no-playground) playground=false; shift ;;
      --yes) yes=1; shift ;;
      --uninstall) uninstall=1; shift ;;
      --purge) purge=1; shift ;;
      -h|--help) usage; exit 0 ;;
      *) say "install: '$1' is not an option; --help lists them"; exit 2 ;;
    esac
  done
}

# Everything is checked before anything is changed.
check() {
  wrong() { say "install: $*"; exit 2; }
  case $network in ''|mainnet|testnet4|signet|regtest) ;; *) wrong "--network $network: mainnet, testnet4, signet or regtest" ;; esac
  case $runtime in ''|auto|docker|process) ;; *) wrong "--runtime $runtime: auto, docker or process" ;; esac
  [[ $listen =~ ^$|^[0-9.]+:[0-9]+$|^\[[0-9a-fA-F:.]+\]:[0-9]+$ ]] || wrong "--listen $listen: an address and a port, such as 192.168.1.5:8443"
  [[ $port_base =~ ^$|^[0-9]{4,5}$ ]] || wrong "--port-base $port_base: a number from 1024 to 65400"
  [[ $name =~ ^$|^[a-z0-9-]{1,24}$ ]] || wrong "--name $name: 1 to 24 lower-case letters, digits and '-'"
  [[ $prefix =~ ^/[A-Za-z0-9._/-]+$ ]] || wrong "--prefix $prefix: an absolute path of letters, digits, '.', '_' and '-'"
  [ -z "$purge" ] || [ -n "$uninstall" ] || wrong "--purge only goes with --uninstall"
  prefix=$(realpath -m "$prefix")
  case $prefix in /|/bin|/boot|/dev|/etc|/home|/lib|/opt|/proc|/root|/run|/sbin|/srv|/sys|/tmp|/usr|/var|/var/lib) wrong "--prefix $prefix is a folder of the system; name one below it" ;; esac
  [ ${#prefix} -le 70 ] || wrong "--prefix $prefix is too long: 70 characters at most, because sockets lie below it"
  [ "$(id -u)" = 0 ] || die "this needs root: sudo $0 …"
}

# Everything in a box's folder and in the cache ends up running as root: nobody else may be able to write there,
# or to put another folder in its place. Makes the folder when it is not there.
own_folder() {
  local folder=$1 above
  mkdir -p -m 0755 "$folder"
  [ ! -L "$folder" ] && [ -d "$folder" ] || die "$folder is a link or a file, not a folder: whoever made it decides what runs as root. Nothing was installed."
  [ "$(stat -c %u "$folder")" = 0 ] || die "$folder belongs to $(stat -c %U "$folder"), who could change what runs as root. Nothing was installed. Choose another folder, or give it to root: chown root $folder"
  [ -z "$(find "$folder" -maxdepth 0 -perm /022)" ] || die "$folder can be written by others, who could change what runs as root. Nothing was installed. Look what is in it, then close it: chmod go-w $folder"
  above=$(dirname "$folder")
  # In a sticky folder such as /var/tmp nobody can rename what is another's.
  [ -z "$(find "$above" -maxdepth 0 -perm /022 ! -perm -1000)" ] || die "$above can be written by others, who could put another folder in the place of $folder. Nothing was installed. Close it (chmod go-w $above), or choose another place."
}

# The unit's name: `flashnode`, or `flashnode-NAME` for a second box.
unit() {
  if [ "$prefix" = "$default_prefix" ]; then echo flashnode
  else printf 'flashnode-%s\n' "$(tr -c 'A-Za-z0-9\n' - <<<"${prefix#/}")"; fi
}
has_systemd() { [ -d /run/systemd/system ]; }
box() { "$prefix/bin/flashnode" --box "$prefix" "$@"; }

# --- progress ------------------------------------------------------------------------------------

step=0 steps=5
# Names a step and how many minutes are left, on two cores with nothing cached.
begin() { step=$((step + 1)); say "[$step/$steps] $1${2:+ (about $2 min left in all)}"; }

# --- packages ------------------------------------------------------------------------------------

packages=(bubblewrap debootstrap debian-archive-keyring jq pkg-config cmake clang libclang-dev build-essential protobuf-compiler
  ca-certificates procps curl git python3)

install_packages() {
  begin "Debian packages" "$1"
  command -v dpkg-query >/dev/null || { say "  this is not Debian: make sure these are there: ${packages[*]}"; return 0; }
  local missing=() package
  for package in "${packages[@]}"; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || { say "  all there"; return 0; }
  say "  installing ${missing[*]}"
  mkdir -p "$cache"
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; } \
    >"$cache/apt.log" 2>&1 || { tail -n 15 "$cache/apt.log" >&2; die "Debian's packages could not be installed; the whole log is $cache/apt.log"; }
}

# --- daemons and program -------------------------------------------------------------------------

build_daemons() {
  begin "Daemons, from Debian packages and from source" "$1"
  # A tool that is missing costs the services that need it, and build.sh says which; the others go on.
  FLASHNODE_CACHE=$cache "$source_dir/images/build.sh" >"$cache/images.list" || die "a daemon did not build; see above"
  awk '$4 == "-" { print "  " $1 ": not available on this machine" }' "$cache/images.list" >&2
}

# The program as it was built, on stdout; nothing where there is no compiler.
build_program() {
  begin "Flashnode itself" "$1"
  local profile=${FLASHNODE_PROFILE:-release} folder
  case $profile in dev) folder=debug ;; release) folder=release ;; *) die "FLASHNODE_PROFILE=$profile: release or dev" ;; esac
  built=$cache/target/$folder/flashnode
  if ! command -v cargo >/dev/null; then
    [ -x "$prefix/bin/flashnode" ] || die "Rust is not here, and without it Flashnode cannot be built. Install it (https://rustup.rs, 1.95 or later) and run this again; what is done so far is kept."
    say "  Rust is not here: the program stays the one that is installed"
    built=$prefix/bin/flashnode
    return 0
  fi
  # Cargo's own lines show how far it is.
  (cd "$source_dir" && CARGO_TARGET_DIR=$cache/target cargo build --locked --profile "$profile" -p flashnode >&2) \
    || die "Flashnode did not build; see above"
}

same() { [ -f "$2" ] && cmp -s "$1" "$2"; }

# By a rename: a program that runs keeps its file, and there is no moment without one.
install_program() {
  mkdir -p "$prefix/bin"
  program_changed=''
  if ! same "$built" "$prefix/bin/flashnode"; then
    install -m 0755 "$built" "$prefix/bin/.flashnode.new"
    mv -f "$prefix/bin/.flashnode.new" "$prefix/bin/flashnode"
    program_changed=1
  fi
  if [ "$prefix" = "$default_prefix" ] && [ ! -e /usr/local/bin/flashnode ]; then
    mkdir -p /usr/local/bin && ln -s "$prefix/bin/flashnode" /usr/local/bin/flashnode
  fi
}

# --- settings ------------------------------------------------------------------------------------

# Sets one key of flashnode.toml when it was asked for: appended when absent, replaced, and said, when different.
set_key() {
  local key=$1 wanted=$2 file=$3 have
  have=$(sed -n "s/^$key *= *//p" "$file" | head -n 1)
  [ "$have" != "$wanted" ] || return 0
  if [ -z "$have" ]; then printf '%s = %s\n' "$key" "$wanted" >>"$file"
  else
    sed -i "s|^$key *=.*|$key = $wanted|" "$file"
    say "  flashnode.toml: $key was $have, is now $wanted"
  fi
}

# The first hundred user ids that no other box has registered; the supervisor registers it when it starts.
free_hundred() {
  local base file taken
  for base in $(seq 70000 100 94900); do
    taken=''
    for file in /var/lib/flashnode-uids/*; do
      [ -f "$file" ] && [ -d "$(cat "$file")" ] && [ "$(cat "$file")" != "$prefix" ] || continue
      [[ ${file##*/} =~ ^[0-9]+$ ]] || continue
      [ $((${file##*/} - base)) -le -100 ] || [ $((${file##*/} - base)) -ge 100 ] || taken=1
    done
    if [ -z "$taken" ]; then echo "$base"; return 0; fi
  done
  die "every hundred user ids from 70000 to 95000 belongs to some box; remove one first"
}

# A box in another place than the usual one is called after its folder.
own_name() {
  if [ "$prefix" = "$default_prefix" ]; then echo flashnode
  else basename "$prefix" | tr 'A-Z_.' 'a-z--' | cut -c1-24; fi
}

write_settings() {
  begin "Settings" "$1"
  local file=$prefix/flashnode.toml work new=''
  config_changed=''
  work=$(mktemp "$prefix/.flashnode.toml.XXXXXX")
  if [ -f "$file" ]; then cat "$file" >"$work"
  else
    new=1
    [ -n "$name" ] || name=$(own_name)
    printf '# Where this box lives and listens. Read when the supervisor starts.\n' >"$work"
  fi
  [ -z "$name" ] || set_key name "\"$name\"" "$work"
  [ -z "$network" ] || set_key network "\"$network\"" "$work"
  [ -z "$runtime" ] || set_key runtime "\"$runtime\"" "$work"
  [ -z "$listen" ] || set_key listen "\"$listen\"" "$work"
  [ -z "$port_base" ] || set_key port_base "$port_base" "$work"
  [ -z "$playground" ] || set_key playground "$playground" "$work"
  # Two boxes on one machine must not share user ids: a further box takes a hundred of its own.
  if [ -n "$new" ] && [ "$prefix" != "$default_prefix" ]; then set_key uid_base "$(free_hundred)" "$work"; fi
  [ -z "$new" ] || set_key images "\"$cache/images\"" "$work"
  if same "$work" "$file"; then rm -f "$work"; return 0; fi
  chmod 0644 "$work"
  mv -f "$work" "$file"
  [ -n "$new" ] || config_changed=1
}

# --- starting and stopping -----------------------------------------------------------------------

pid_file() { printf '%s\n' "$prefix/run/supervisor.pid"; }

# The supervisor of this box, when the pid file's process is really it.
supervisor_pid() {
  local pid
  pid=$(cat "$(pid_file)" 2>/dev/null) || return 1
  [[ $pid =~ ^[0-9]+$ ]] && [ -r "/proc/$pid/cmdline" ] && tr '\0' ' ' <"/proc/$pid/cmdline" | grep -qF -- "--box $prefix supervise" || return 1
  printf '%s\n' "$pid"
}

install_units() {
  local unit; unit=$(unit)
  units_changed=''
  put() {
    local made home=yes; made=$(mktemp)
    case $prefix in /home/*|/root/*) home=no ;; esac
    sed "s|@BOX@|$prefix|g; s|@HOME@|$home|g; s|@UNIT@|$unit|g" "$here/$1" >"$made"
    if ! same "$made" "$2"; then install -D -m 0644 "$made" "$2"; units_changed=1; fi
    rm -f "$made"
  }
  put flashnode.service "/etc/systemd/system/$unit.service"
  put flashnode-services.service "/etc/systemd/system/$unit-services.service"
  [ "$prefix" != "$default_prefix" ] || put flashnode.sysusers /etc/sysusers.d/flashnode.conf
  put flashnode.tmpfiles "/etc/tmpfiles.d/$unit.conf"
  [ -z "$units_changed" ] || { systemd-sysusers; systemd-tmpfiles --create "/etc/tmpfiles.d/$unit.conf"; systemctl daemon-reload; }
}

start_systemd() {
  local unit; unit=$(unit)
  install_units
  systemctl enable --quiet "$unit" "$unit-services"
  if ! systemctl is-active --quiet "$unit"; then systemctl start "$unit"; say "  started the unit $unit"
  elif [ -n "$program_changed$config_changed$units_changed" ]; then
    systemctl restart "$unit"; say "  restarted the supervisor; services went on running"
  else say "  runs already, nothing has changed"; fi
  systemctl start "$unit-services"
}

# Its own session and no terminal: it outlives this shell.
start_background() {
  mkdir -p "$prefix/log" "$prefix/run"
  local pid
  if pid=$(supervisor_pid); then
    if [ -z "$program_changed$config_changed" ]; then say "  runs already (process $pid), nothing has changed"; return 0; fi
    kill -TERM "$pid"
    local waited=0
    while kill -0 "$pid" 2>/dev/null; do
      [ $((waited += 1)) -le 300 ] || die "the supervisor (process $pid) does not end; end it and run this again"
      sleep 0.1
    done
    say "  restarting the supervisor; services go on running"
  fi
  # shellcheck disable=SC2016  # expanded by the inner shell, from its own arguments
  setsid --fork bash -c 'echo $$ >"$1"; exec "$2" --box "$3" supervise' _ \
    "$(pid_file)" "$prefix/bin/flashnode" "$prefix" </dev/null >>"$prefix/log/supervisor.log" 2>&1
}

wait_for_supervisor() {
  local waited=0
  until box status --json >/dev/null 2>&1; do
    [ $((waited += 1)) -le 120 ] || {
      say "The supervisor does not answer. The end of its log:"
      if has_systemd; then journalctl -u "$(unit)" -n 15 --no-pager -o cat >&2; else tail -n 15 "$prefix/log/supervisor.log" >&2; fi
      die "the box did not start"
    }
    sleep 0.5
  done
}

start() {
  begin "Starting" "$1"
  if has_systemd; then start_systemd; else start_background; fi
  wait_for_supervisor
  # What an uninstall has stopped runs again; what the owner has stopped stays stopped.
  if [ -f "$prefix/stopped" ]; then
    local service
    while read -r service; do box start "$service" >/dev/null || say "  $service could not be started"; done <"$prefix/stopped"
    rm -f "$prefix/stopped"
  fi
}

# --- the end -------------------------------------------------------------------------------------

finish() {
  local status generation
  status=$(box status --json)
  generation=$(jq -r .generation <<<"$status")
  say ""
  if has_systemd; then say "The supervisor is the unit $(unit). Stop it: systemctl stop $(unit)"
  else say "The supervisor runs in the background. Stop it: kill \$(cat $(pid_file))  (services go on; end all: $0 --prefix $prefix --uninstall)"; fi
  printf 'Open:       %s\n' "$(jq -r .url <<<"$status")"
  if [ "$generation" = 0 ]; then
    printf 'Claim code: %s\n' "$(box claim-code --json | jq -r .code)"
    say "The code works once, for a day. Another: flashnode --box $prefix claim-code"
  else printf 'This box is already set up; everything is as it was.\n'; fi
}

# Asks for the box's name: a yes is typed too easily.
confirm_purge() {
  [ -z "$yes" ] || return 0
  local own typed
  own=$(sed -n 's/^name *= *"\(.*\)"/\1/p' "$prefix/flashnode.toml" 2>/dev/null); own=${own:-flashnode}
  say "This deletes $prefix: the chain, the wallet, the keys. Money in it is lost unless you have the words."
  printf "Type the box's name (%s) to go on: " "$own" >&2
  read -r typed || typed=''
  [ "$typed" = "$own" ] || die "the name does not match; nothing was deleted or stopped"
}

# Services outlive their supervisor: one that is away is started once more, so that it can stop them in order.
wake() {
  if box status --json >/dev/null 2>&1; then return 0; fi
  program_changed='' config_changed='' units_changed=''
  say "  the supervisor is not running; starting it once more to stop its services"
  if has_systemd && [ -f "/etc/systemd/system/$(unit).service" ]; then systemctl start "$(unit)"; else start_background; fi
  wait_for_supervisor
}

# What an engine keeps of this box: ended containers, its network, its labelled volumes.
remove_from_engine() {
  if ! docker info >/dev/null 2>&1; then return 0; fi
  local filter="label=flashnode.folder=$prefix"
  docker ps -aq --filter "$filter" | xargs -r docker rm -f >/dev/null
  docker network ls -q --filter "$filter" | xargs -r docker network rm >/dev/null
}

run_uninstall() {
  local unit; unit=$(unit)
  [ -f "$prefix/flashnode.toml" ] || [ -x "$prefix/bin/flashnode" ] || die "there is no box in $prefix"
  [ -z "$purge" ] || confirm_purge
  say "Stopping the box in $prefix; a daemon that is writing gets its time."
  if [ -x "$prefix/bin/flashnode" ]; then # it is removed last, so nothing runs where it is gone
    wake
    if has_systemd; then
      systemctl disable --now --quiet "$unit-services" 2>/dev/null || true # stops the services
      box shutdown --services
      systemctl disable --now --quiet "$unit" 2>/dev/null || true
    fi
    box shutdown --all
  fi
  rm -f "/etc/systemd/system/$unit.service" "/etc/systemd/system/$unit-services.service" "/etc/tmpfiles.d/$unit.conf" "$(pid_file)"
  if has_systemd; then systemctl daemon-reload; fi
  [ "$(readlink /usr/local/bin/flashnode 2>/dev/null)" != "$prefix/bin/flashnode" ] || rm -f /usr/local/bin/flashnode
  rm -rf -- "${prefix:?}/bin"
  if [ -z "$purge" ]; then
    say "The program is removed. The box's data stays in $prefix; install again and it goes on where it was."
    return 0
  fi
  # Also where the program was already gone: nothing may write to what is deleted.
  if pgrep -f -- "shim --spec $prefix/services/" >/dev/null; then die "services of this box still run; nothing was deleted"; fi
  remove_from_engine
  rm -rf -- "${prefix:?}"
  say "The box and its data are gone. Built daemons stay in $cache for other boxes; delete that folder if there are none."
}

# --- all of it -----------------------------------------------------------------------------------

main() {
  parse "$@"
  check
  if [ -n "$uninstall" ]; then run_uninstall; exit 0; fi
  own_folder "$prefix"
  own_folder "$cache"
  install_packages 40
  build_daemons 38
  build_program 15
  install_program
  write_settings 1
  start 1
  finish
}
main "$@"
