// Every page that can be opened by its address, by what it is called in names of checks and pictures.

/** Pages of a signed-in owner that no step-up guards. */
export const OWNER = [
  ["home", "/"],
  ["more", "/more"],
  ["services", "/services"],
  ["service-bitcoind", "/services/bitcoind"],
  ["service-electrs", "/services/electrs"],
  ["service-lnd", "/services/lnd"],
  ["service-outside", "/services/outside"],
  ["service-log", "/services/lnd/log"],
  ["service-stop", "/services/electrs/act/stop"],
  ["service-restart", "/services/bitcoind/act/restart"],
  ["edges", "/edges"],
  ["updates", "/updates"],
  ["alerts", "/alerts"],
  ["audit", "/audit"],
  ["playground", "/playground"],
  ["settings", "/settings"],
  ["password", "/settings/password"],
  ["two-factor", "/settings/two-factor"],
  ["sessions", "/settings/sessions"],
  ["box", "/settings/box"],
];

/** Pages behind a step-up. */
export const STEPPED_UP = [
  ["rebuild", "/services/electrs/rebuild"],
  ["rotate", "/edges/electrs:bitcoind/rotate"],
  ["two-factor-start", "/settings/two-factor/start"],
];

/** Pages for anyone. */
export const OUTSIDE = [
  ["trust", "/trust"],
  ["offline", "/offline"],
  ["gallery", "/dev/gallery"],
];
