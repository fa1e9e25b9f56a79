//! View models that several pages share: how core's facts look to a person. They must not ask core anything.

pub mod agent;
pub mod alarm;
pub mod line;
pub mod overview;
pub mod qr;
