stands_on=base minutes=1 tools=
build() {
  # The package would make a cluster of its own at install time; ours is made by the service.
  mkdir -p "$root/etc/postgresql-common"
  echo 'create_main_cluster = false' > "$root/etc/postgresql-common/createcluster.conf"
  debian_install postgresql
  # In the path, as in the official image, so that one command starts both.
  for program in postgres initdb pg_dump pg_dumpall psql; do
    ln -sfn "/usr/lib/postgresql/$(cd "$root/usr/lib/postgresql" && echo *)/bin/$program" "$root/usr/local/bin/$program"
  done
}
installed_version() { in_root postgres --version | sed 's/.*) \([0-9.]*\).*/\1/'; }
