### Updates

updates-lead = Each version is pinned. Nothing changes until you have read what would change.
updates-versions = Versions
updates-empty = The catalog is empty.
update-current = Current
update-offered = Update offered
update-revoked = Must not be used
update-stage = Prepare update
source-pulled = downloaded by fingerprint
source-built = built on this box
source-other = source unknown
switch-on = Switch {$service} on
switch-off = Switch {$service} off
staged-title = Read before you apply
staged-lead = This is everything that changes. Nothing has happened yet.
staged-waits = A change is prepared
staged-waits-more = It waits until you have read it.
staged-read = Read it
staged-changes = What changes
staged-since = Prepared {$when}
staged-gate = If a service does not become good, its old version comes back by itself.
staged-discard = Discard this change
staged-apply = Apply this change
