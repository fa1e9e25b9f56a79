### Sign-in, step-up, locked

sign-in = Sign in
sign-in-title = Sign in to {$name}
sign-in-code-lead = The password is right. Now the code as well; the password once more, because it is not kept.
sign-in-do = Sign in
sign-in-lost = I lost my password
sign-in-lost-more = On the box itself this command sets a new one. It keeps all data and turns two-factor sign-in off.
code = Two-factor code
code-hint = Six digits from your authenticator app, or a recovery code.
step-up-title = Your password once more
step-up-lead = What you are about to do can harm the box. For five minutes after this, you are not asked again.
step-up-do = Confirm it is you
step-up-leave = Leave it
locked-title = This box is locked
locked-lead = Its key file is missing, so nothing private can be read. Services that run go on running. Unlock it with the recovery passphrase or code from set-up.
locked-hint = The one you set or wrote down during set-up; not the 24 words.
locked-do = Unlock the box
locked-opening = The box is opening
locked-opening-more = The passphrase is right. The pages come back in a few seconds.
locked-look = Look now
