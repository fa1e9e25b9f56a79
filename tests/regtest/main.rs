//! End to end on real bitcoind, electrs and LND. Slow: run by `tests/run.sh` with one thread.
//!
//! One box walks through a whole life, because starting three daemons costs more than looking at them; what needs a
//! box of its own has one.

mod credentials;
mod damage;
mod engine;
mod going_back;
mod life;
