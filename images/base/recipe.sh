# The small Debian that every other root stands on. sid, because Knots and Tor 0.4.9 are only there.
stands_on= minutes=1 tools=debootstrap
build() {
  # Without the keyring debootstrap would only warn, and take packages that nobody signed.
  local keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  [ -f "$keyring" ] || { echo "Debian's keys are not here: install the package debian-archive-keyring" >&2; return 1; }
  debootstrap --force-check-gpg --keyring="$keyring" --variant=minbase sid "$root"
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,locale}/*
  # Places to mount things on: a root is read-only when a service runs in it.
  mkdir -p "$root"/data "$root"/config
  : > "$root/etc/hosts"; : > "$root/etc/resolv.conf"
}
installed_version() { cat "$root/etc/debian_version"; }
