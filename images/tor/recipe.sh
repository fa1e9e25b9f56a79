# 0.4.9 or later: the network dropped 0.4.8 in September 2026.
stands_on=base minutes=1 tools=
build() { debian_install tor; }
installed_version() { in_root tor --version | sed -n '1s/.*version \([0-9.]*[0-9]\).*/\1/p'; }
