# 0.11 and Knots 29.4 go together: electrs 0.12 needs Core 31 or later.
stands_on=base minutes=14 tools=cargo
electrs=0.11.1
compile() {
  target=$(mktemp -d)
  env -u CARGO_TARGET_DIR cargo install electrs --version "$electrs" --locked --root "$target/out" --target-dir "$target/build"
  install -m 755 "$target/out/bin/electrs" "$out/electrs"
  rm -rf "$target"
}
build() { install -m 755 "$compiled/electrs" "$root/usr/local/bin/electrs"; }
installed_version() { in_root /usr/local/bin/electrs --version | sed 's/^v//'; }
