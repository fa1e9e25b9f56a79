### Frame: navigation, common words, spans and dates

skip = Skip to content
nav-main = Main
nav-small = Main, small screens
nav-all = All pages
nav-home = Home
nav-services = Services
nav-alerts = Alerts
nav-alerts-open =
    { $n ->
        [one] {$n} alert waits
       *[other] {$n} alerts wait
    }
nav-updates = Updates
nav-audit = Audit log
nav-settings = Settings
nav-playground = Playground
nav-more = More
nav-block = block {$n}
sign-out = Sign out {$name}
stale = No live connection. What you see is {"{n}"} s old; we keep trying.
details = Details
copy = Copy
copied = Copied
back = Back
change = Change
none = None
on = On
off = Off
action = Action
pages = Pages
pager-newest = Newest entries
pager-older = Older entries
language = Language
language-browser = As the browser asks
theme = Appearance
theme-light = Light
theme-dark = Dark
theme-system = As the device
span-seconds =
    { $n ->
        [one] {$n} second
       *[other] {$n} seconds
    }
span-minutes =
    { $n ->
        [one] {$n} minute
       *[other] {$n} minutes
    }
span-hours =
    { $n ->
        [one] {$n} hour
       *[other] {$n} hours
    }
span-days =
    { $n ->
        [one] {$n} day
       *[other] {$n} days
    }
ago = {$span} ago
ago-now = just now
since = since {$when}
time-left = About {$span} left.
time-unknown = How long it takes cannot be told yet.
moment = {$day} {$month} {$year}, {$time} UTC
month-1 = Jan
month-2 = Feb
month-3 = Mar
month-4 = Apr
month-5 = May
month-6 = Jun
month-7 = Jul
month-8 = Aug
month-9 = Sep
month-10 = Oct
month-11 = Nov
month-12 = Dec
sats =
    { $n ->
        [one] {$n} sat
       *[other] {$n} sats
    }
who-box = the box
who-setup = Set-up
network-mainnet = Bitcoin (real money)
network-testnet4 = Testnet4
network-signet = Signet
network-regtest = Regtest (this box alone)
network-other = Unknown network
network-short-mainnet = mainnet
network-short-testnet4 = testnet4
network-short-signet = signet
network-short-regtest = regtest
network-short-other = unknown network
