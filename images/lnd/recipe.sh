# LND by a module of our own: `go install pkg@version` refuses it, because its go.mod has replace lines.
stands_on=base minutes=8 tools=go
tags="signrpc walletrpc chainrpc invoicesrpc routerrpc peersrpc watchtowerrpc neutrinorpc monitoring kvdb_sqlite kvdb_postgres"
compile() {
  CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -tags "$tags" -o "$out" \
    github.com/lightningnetwork/lnd/cmd/lnd github.com/lightningnetwork/lnd/cmd/lncli
}
build() { install -m 755 "$compiled/lnd" "$compiled/lncli" "$root/usr/local/bin/"; }
installed_version() { in_root /usr/local/bin/lnd --version | sed -n 's/.*version \([0-9.]*[a-z-]*\).*/\1/p'; }
