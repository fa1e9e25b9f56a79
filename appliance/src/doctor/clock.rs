//! The clock, against an SNTP server (RFC 4330). Lightning's timeouts, TLS and one-time codes all need it right.

use std::{io, time::Duration};

use flashnode_core::{control::Finding, ports::clock::Clock, types::Timestamp};
use rand::RngCore;
use tokio::{net::UdpSocket, time::timeout};

use super::finding;

/// How far off the clock may be before it is dangerous, in milliseconds.
const DANGER_MS: u64 = 60_000;

/// How far off it may be before it is worth knowing, in milliseconds.
const WORTH_MS: u64 = 5_000;

/// How long the server may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// 2026-01-01, milliseconds since 1970: no clock of a running box shows less.
const EARLIEST: Timestamp = Timestamp(1_767_225_600_000);

/// Seconds from 1900 to 1970.
const NTP_EPOCH: u64 = 2_208_988_800;

/// What is wrong with the clock; `server` is `host:port`, none: only plain nonsense is found.
pub async fn examine(server: Option<&str>, clock: &dyn Clock) -> Option<Finding> {
    let advice =
        "Switch time synchronisation on: `timedatectl set-ntp true`, and check the machine's battery clock.";
    if clock.now() < EARLIEST {
        let problem = format!("The clock shows {}, which cannot be.", clock.now().rfc3339());
        return Some(finding("clock", true, problem, advice));
    }
    let server = server?;
    match offset(server, PATIENCE, clock).await {
        Ok(off) if off.unsigned_abs() < WORTH_MS => None,
        Ok(off) => {
            let seconds = off.unsigned_abs() / 1000;
            let (way, severe) = (if off > 0 { "slow" } else { "fast" }, off.unsigned_abs() >= DANGER_MS);
            let problem = format!("The clock is {seconds} s {way}, says {server}.");
            Some(finding("clock", severe, problem, advice))
        }
        Err(error) => Some(finding(
            "clock",
            false,
            format!("The time server {server} does not answer ({error}), so the clock could not be checked."),
            "Check `sntp` in flashnode.toml and that this machine may send UDP there.",
        )),
    }
}

/// How much must be added to this machine's clock, in milliseconds.
pub async fn offset(server: &str, patience: Duration, clock: &dyn Clock) -> io::Result<i64> {
    let asking = async {
        let address = tokio::net::lookup_host(server).await?.next().ok_or(io::ErrorKind::NotFound)?;
        let unspecified: std::net::IpAddr =
            if address.is_ipv4() { [0, 0, 0, 0].into() } else { std::net::Ipv6Addr::UNSPECIFIED.into() };
        let socket = UdpSocket::bind((unspecified, 0)).await?;
        socket.connect(address).await?;
        let mut request = [0_u8; 48];
        request[0] = 0x23; // version 4, client
        rand::rng().fill_bytes(&mut request[40..]); // a number that only the asked server can repeat
        let sent = clock.now();
        socket.send(&request).await?;
        let mut reply = [0_u8; 128];
        loop {
            let length = socket.recv(&mut reply).await?;
            if let Some(off) = read(&request, reply.get(..length).unwrap_or_default(), sent, clock.now())? {
                return Ok(off);
            }
        }
    };
    timeout(patience, asking).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// The offset in a reply; `None` when it answers something we did not ask.
fn read(request: &[u8; 48], reply: &[u8], sent: Timestamp, received: Timestamp) -> io::Result<Option<i64>> {
    let bad = |why: &str| Err(io::Error::new(io::ErrorKind::InvalidData, why.to_owned()));
    let Some((header, _)) = reply.split_at_checked(48) else { return Ok(None) };
    if header.get(24..32) != request.get(40..48) {
        return Ok(None);
    }
    let (leap, mode, stratum) = (header[0] >> 6, header[0] & 7, header[1]);
    if mode != 4 || leap == 3 || !(1..=15).contains(&stratum) {
        return bad("it says that it has no good time itself");
    }
    let (Some(arrived), Some(left)) = (stamp(&header[32..40]), stamp(&header[40..48])) else {
        return bad("its answer has no time");
    };
    Ok(Some(((arrived - sent.0) + (left - received.0)) / 2))
}

/// An NTP timestamp in milliseconds since 1970; era 1 (from 2036) has its highest bit clear.
fn stamp(bytes: &[u8]) -> Option<i64> {
    let number = u64::from_be_bytes(bytes.try_into().ok()?);
    if number == 0 {
        return None;
    }
    let (mut seconds, fraction) = (number >> 32, number & 0xffff_ffff);
    if seconds & 0x8000_0000 == 0 {
        seconds += 1 << 32;
    }
    let ms = seconds.checked_sub(NTP_EPOCH)? * 1000 + ((fraction * 1000) >> 32);
    i64::try_from(ms).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy)]
    struct At(i64);
    impl Clock for At {
        fn now(&self) -> Timestamp {
            Timestamp(self.0)
        }
    }

    const NOW: i64 = 1_795_000_000_000;

    fn ntp(ms: i64) -> [u8; 8] {
        let ms = u64::try_from(ms).expect("after 1970");
        ((((ms / 1000) + NTP_EPOCH) << 32) | (((ms % 1000) << 32) / 1000)).to_be_bytes()
    }

    /// A server whose clock shows `time`; `spoil` may damage its answer.
    async fn server(time: i64, spoil: fn(&mut [u8; 48])) -> String {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("bound");
        let address = socket.local_addr().expect("an address").to_string();
        tokio::spawn(async move {
            let mut request = [0; 48];
            let (_, from) = socket.recv_from(&mut request).await.expect("asked");
            let mut reply = [0; 48];
            reply[0] = 0x24;
            reply[1] = 2;
            reply[24..32].copy_from_slice(&request[40..48]);
            reply[32..40].copy_from_slice(&ntp(time));
            reply[40..48].copy_from_slice(&ntp(time));
            spoil(&mut reply);
            socket.send_to(&reply, from).await.expect("answered");
        });
        address
    }

    #[tokio::test]
    async fn a_clock_an_hour_off_is_named_and_a_right_one_is_not() {
        let right = server(NOW + 200, |_| {}).await;
        assert_eq!(examine(Some(&right), &At(NOW)).await, None);
        let ahead = server(NOW + 3_600_000, |_| {}).await;
        let found = examine(Some(&ahead), &At(NOW)).await.expect("a finding");
        assert!(found.severe && found.problem.contains("3600 s slow"), "{found:?}");
        let behind = server(NOW - 10_000, |_| {}).await;
        let found = examine(Some(&behind), &At(NOW)).await.expect("a finding");
        assert!(!found.severe && found.problem.contains("10 s fast"), "{found:?}");
    }

    #[tokio::test]
    async fn an_answer_to_somebody_else_is_not_believed() {
        let forged = server(NOW + 3_600_000, |reply| reply[24] ^= 0xff).await;
        let error = offset(&forged, Duration::from_millis(300), &At(NOW)).await.expect_err("nothing for us");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let lost = server(NOW, |reply| reply[1] = 0).await;
        let error = offset(&lost, Duration::from_secs(2), &At(NOW)).await.expect_err("kiss of death");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[tokio::test]
    async fn a_silent_server_is_worth_knowing_only() {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("bound");
        let address = socket.local_addr().expect("an address").to_string();
        let error = offset(&address, Duration::from_millis(100), &At(NOW)).await.expect_err("silent");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(examine(None, &At(NOW)).await.is_none());
        assert!(examine(None, &At(0)).await.is_some_and(|found| found.severe));
    }

    #[test]
    fn time_goes_on_after_2036() {
        assert_eq!(stamp(&ntp(NOW)), Some(NOW));
        assert_eq!(stamp(&[0, 0, 0, 1, 0, 0, 0, 0]), Some(2_085_978_497_000));
    }
}
