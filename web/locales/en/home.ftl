### Home

home-needs-you = Needs you
home-all-services = All services
home-glance = The box at a glance
glance-services = Services good
glance-services-of = {$good} of {$wanted}
glance-chain = Newest block
glance-chain-none = not known yet
glance-disk-of = free of {$total}
home-lately = What happened lately
home-all-deeds = Audit log
home-member = Welcome to {$name}
home-member-more = You are signed in. Your settings are below; there is nothing else here for you yet.
overview-good = Everything is fine
overview-good-more =
    { $n ->
        [one] One service runs and is good.
       *[other] All {$n} services run and are good.
    } Nothing to do.
overview-loading = Your node is catching up
overview-loading-more = This is normal and can take long the first time. You can close this page; it goes on by itself.
overview-starting = Services are starting
overview-starting-more = They start one after another, each when the one it needs answers. Nothing to do.
overview-bad =
    { $n ->
        [one] One service has a problem
       *[other] {$n} services have a problem
    }
overview-bad-more = We keep trying to bring it back. The service's page says why.
overview-alarms =
    { $n ->
        [one] One thing needs you
       *[other] {$n} things need you
    }
overview-alarms-more = See below what happened, what the box does about it, and what you can do.
overview-rescue = The box runs on a snapshot
overview-rescue-more = Its state file was damaged, so the last snapshot is in use. Your money and keys are not touched. See the alert below.
overview-silent = The supervisor is not answering yet
overview-silent-more = It is the part that keeps your services running; they go on without it. We keep trying. If it lasts, look at the box.
overview-progress = {$service}: {$percent} done
overview-progress-more = Everything else goes on meanwhile.
task-look-at = Open {$service}
trust-hint = This browser does not trust the box yet
trust-hint-more = Once it does, the warnings end and you can install these pages as an app.
trust-hint-do = Make it trust the box
