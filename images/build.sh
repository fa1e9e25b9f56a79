#!/usr/bin/env bash
# Builds the recipes under images/ into root folders, once for each recipe hash.
#
#   images/build.sh [--cache DIR] [--list] [NAME ...]
#
# A result is DIR/NAME/HASH/{root/,meta.json}. HASH covers the recipe's own files and those of the
# recipe it stands on, so an edit makes a new result and the old one stays for going back. What a recipe compiles
# is kept by the hash of its own files alone: a new base costs a copy, not a compilation.
# Both runtimes use the same root: the process runtime enters it, an engine imports it.
# Compilers run on the host, because a network that intercepts TLS breaks them inside a root.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${FLASHNODE_CACHE:-/var/cache/flashnode}/images
list=
names=()
while [ $# -gt 0 ]; do
  case $1 in
    --cache) cache=$2; shift 2 ;;
    --list) list=1; shift ;;
    -h|--help) sed -n '2,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) names+=("$1"); shift ;;
  esac
done
[ ${#names[@]} -gt 0 ] || names=(base bitcoind electrs lnd postgres tor)

say() { printf '%s\n' "$*" >&2; }
die() { say "images: $*"; exit 1; }

# What lies here runs as root: whoever could write in the cache, or rename it away, would be root.
own_cache() {
  local folder mode
  mkdir -p -m 0755 "$(dirname "$cache")" "$cache"
  for folder in "$cache" "$(dirname "$cache")" "$(dirname "$(dirname "$cache")")"; do
    [ ! -L "$folder" ] || die "$folder is a link. Name the folder itself with FLASHNODE_CACHE or --cache."
    [ "$(stat -c %u "$folder")" = "$(id -u)" ] || [ "$(stat -c %u "$folder")" = 0 ] \
      || die "$folder belongs to $(stat -c %U "$folder"), who could put other programs in. Choose another folder with FLASHNODE_CACHE, or give it to root."
    mode=$(stat -c %a "$folder")
    # A sticky folder such as /var/tmp lets nobody rename what is another's.
    if [ $((0$mode & 022)) -ne 0 ] && { [ $((0$mode & 01000)) -eq 0 ] || [ "$folder" = "$cache" ]; }; then
      die "$folder can be written by others, who could put other programs in. Close it (chmod go-w $folder), or choose another with FLASHNODE_CACHE."
    fi
  done
  chmod 0755 "$cache"
}

# What a recipe says of itself, read without running its build: stands_on, minutes, tools.
field() { bash -c "set -eu; stands_on= minutes=1 tools=; source '$here/$1/recipe.sh'; printf %s \"\$$2\""; }

hash_of() {
  local on; on=$(field "$1" stands_on)
  { [ -z "$on" ] || hash_of "$on"
    cd "$here/$1" && find . -type f -print0 | sort -z | xargs -0 sha256sum
  } | sha256sum | cut -c1-16
}

# The same, without what it stands on.
own_hash_of() { (cd "$here/$1" && find . -type f -print0 | sort -z | xargs -0 sha256sum) | sha256sum | cut -c1-16; }

built() { [ -f "$cache/$1/$(hash_of "$1")/meta.json" ]; }

# Says what a missing tool costs; the caller goes on with the other recipes.
lacks_tool() {
  local tool
  for tool in $(field "$1" tools); do
    command -v "$tool" >/dev/null || { say "  $1: needs '$tool', which is not here; the service stays unavailable"; return 0; }
  done
  return 1
}

build_one() {
  local name=$1 hash dir on started
  hash=$(hash_of "$name"); dir=$cache/$name/$hash
  on=$(field "$name" stands_on)
  [ -z "$on" ] || built "$on" || build_one "$on"
  rm -rf "$dir.new"; mkdir -p "$dir.new/root" "$cache/.log"
  started=$SECONDS
  if ! (
    set -euo pipefail
    cd "$here/$name"; source ./recipe.sh
    root=$dir.new/root compiled=$cache/$name/.compiled/$(own_hash_of "$name")
    if declare -F compile >/dev/null && [ ! -d "$compiled" ]; then
      rm -rf "$compiled.new"; mkdir -p "$compiled.new"
      out=$compiled.new; compile
      mv "$compiled.new" "$compiled"
    fi
    [ -z "$on" ] || cp -a --reflink=auto "$cache/$on/$(hash_of "$on")/root/." "$root/"
    build
    # Roots can be read by everybody on the machine; nothing in one has a use for another's rights.
    find "$root" -xdev -perm /6000 -type f -exec chmod a-s {} +
    jq -n --arg name "$name" --arg hash "$hash" --arg version "$(installed_version)" \
      '{name:$name,hash:$hash,version:$version}' > "$dir.new/meta.json"
  ) > "$cache/.log/$name.log" 2>&1; then
    tail -n 15 "$cache/.log/$name.log" >&2
    die "$name did not build; the whole log is $cache/.log/$name.log"
  fi
  # The rename is what makes a result exist: a build cut short leaves only a .new folder.
  rm -rf "$dir"; mv "$dir.new" "$dir"
  say "  $name: built in $((SECONDS - started)) s ($(jq -r .version "$dir/meta.json"))"
}

# Runs a command inside $root with the network of the host; recipes use it for Debian's packages.
in_root() {
  cp /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
  chroot "$root" env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"
}
# The package mirror may be a snapshot whose lists have expired; its signatures are still checked.
# The resolver of the machine that builds has no place in a root.
debian_install() {
  in_root apt-get -o Acquire::Check-Valid-Until=false update
  in_root apt-get -o Acquire::Check-Valid-Until=false install -y --no-install-recommends "$@"
  in_root apt-get clean; : > "$root/etc/resolv.conf"
  rm -rf "$root"/var/lib/apt/lists/*
}
debian_version() { in_root dpkg-query -W -f '${Version}' "$1"; }
export -f in_root debian_install debian_version

[ -n "$list" ] || own_cache
todo=() total=0
for name in "${names[@]}"; do
  [ -f "$here/$name/recipe.sh" ] || die "there is no recipe '$name'"
  built "$name" && continue
  if lacks_tool "$name"; then continue; fi
  todo+=("$name"); total=$((total + $(field "$name" minutes)))
done

if [ -z "$list" ] && [ ${#todo[@]} -gt 0 ]; then
  exec 9>"$cache/.lock"; flock 9
  say "images: building ${todo[*]} (about $total min on two cores; kept in $cache)"
  for name in "${todo[@]}"; do
    left=$total; total=$((total - $(field "$name" minutes)))
    built "$name" && continue
    say "  $name: about $(field "$name" minutes) min, $left min left in all"
    build_one "$name"
  done
fi

for name in "${names[@]}"; do
  hash=$(hash_of "$name"); dir=$cache/$name/$hash
  if [ -f "$dir/meta.json" ]; then printf '%s %s %s %s\n' "$name" "$hash" "$(jq -r .version "$dir/meta.json")" "$dir/root"
  else printf '%s %s - -\n' "$name" "$hash"; fi
done
