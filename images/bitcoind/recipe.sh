# Bitcoin Knots from Debian. Debian has no Bitcoin Core: that flavour is pulled by digest only.
stands_on=base minutes=1 tools=
build() { debian_install bitcoin-knots; }
installed_version() { in_root bitcoind --version | sed -n '1s/.*version v\([0-9.]*[0-9]\).*/\1/p'; }
