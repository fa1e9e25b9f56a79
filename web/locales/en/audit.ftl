### Audit log

audit-lead = Who did what, and from where. Each entry is chained to the one before, so nothing can be changed unseen.
audit-empty = Nothing has happened yet.
audit-verify = Verify the chain
audit-whole =
    The chain is whole: { $n ->
        [one] {$n} entry fits
       *[other] all {$n} entries fit
    }.
audit-broken = The chain is broken at entry {$n}
audit-broken-more = Somebody or something changed the record from there on. Treat the box as tampered with until you know why.
audit-sign-in = Signed in
audit-sign-in-failed = Sign-in failed
audit-sign-out = Signed out
audit-step-up = Confirmed the password
audit-step-up-failed = Password confirmation failed
audit-session-revoked = Ended a session
audit-password-changed = Changed the password
audit-password-reset = Reset a password
audit-totp-on = Switched two-factor on
audit-totp-off = Switched two-factor off
audit-alarm-raised = Alarm raised
audit-alarm-gone = Alarm over
audit-alarm-acknowledged = Saw an alarm
audit-box-started = Supervisor started
audit-box-unlocked = Unlocked the box
audit-box-unlock-failed = Unlocking failed
audit-change-staged = Prepared a change
audit-change-applied = Applied a change
audit-change-discarded = Discarded a change
audit-change-reverted = Took a change back
audit-edge-rotate = Began a rotation
audit-edge-rotated = Finished a rotation
audit-keys-recovery-set = Set the recovery secret
audit-lightning-wallet-made = Made the Lightning wallet
audit-service-start = Started a service
audit-service-stop = Stopped a service
audit-service-restart = Restarted a service
audit-service-rebuild = Rebuilt an index
audit-service-started = Service started
audit-service-stopped = Service stopped
audit-service-crashed = Service crashed
audit-service-good = Service good again
audit-service-adopted = Service adopted
audit-setup-claim = Claim code entered
audit-setup-claim-failed = Wrong claim code
audit-setup-claim-code = Made a claim code
audit-setup-commit = Finished set-up
audit-setup-committed = Finished set-up
audit-setup-words-shown = The 24 words were shown
audit-setup-words-confirmed = Confirmed the 24 words
audit-service-crash-loop = Service keeps crashing
audit-service-does-not-answer = Service does not answer
audit-service-reverted = A change was taken back
audit-service-data-damaged = Data found damaged
audit-service-wallet-password = Wallet password refused
audit-service-recovered = Service well again
audit-box-rescued = The box went back to a snapshot
audit-profile-changed = Changed language or theme
audit-record-dropped = Entries left out
