//! Names and addresses on certificates, and which ones a box's authority may vouch for. Pure, but for
//! [`primary_address`].
//!
//! A person who trusts the box's authority must not thereby trust it for their bank: it is limited to the box's
//! own names, its name in `.local`, `localhost`, private addresses, and what the boot file lists.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket},
};

use flashnode_core::config::Config;

/// What a certificate is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// A DNS name, lower case.
    Dns(String),
    /// An address.
    Ip(IpAddr),
}

impl Name {
    /// A name or address as people write it; brackets around IPv6 are taken off.
    pub fn new(text: &str) -> Self {
        let bare = text.trim().trim_start_matches('[').trim_end_matches(']');
        bare.parse().map_or_else(|_| Name::Dns(bare.trim_end_matches('.').to_ascii_lowercase()), Name::Ip)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Name::Dns(name) => f.write_str(name),
            Name::Ip(ip) => ip.fmt(f),
        }
    }
}

/// An address and how many of its leading bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// The first address.
    pub address: IpAddr,
    /// Leading bits that count.
    pub prefix: u8,
}

impl Subnet {
    const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Self {
        Self { address: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), prefix }
    }

    const fn v6(first: u16, last: u16, prefix: u8) -> Self {
        Self { address: IpAddr::V6(Ipv6Addr::new(first, 0, 0, 0, 0, 0, 0, last)), prefix }
    }

    /// Whether the address lies in it.
    pub fn contains(&self, ip: IpAddr) -> bool {
        match (self.address, ip) {
            (IpAddr::V4(net), IpAddr::V4(ip)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix.min(32))).unwrap_or(0);
                net.to_bits() & mask == ip.to_bits() & mask
            }
            (IpAddr::V6(net), IpAddr::V6(ip)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix.min(128))).unwrap_or(0);
                net.to_bits() & mask == ip.to_bits() & mask
            }
            _ => false,
        }
    }
}

/// Addresses that nobody on the internet has: loopback, RFC 1918, link-local, RFC 6598, unique local.
const PRIVATE: [Subnet; 9] = [
    Subnet::v4(127, 0, 0, 0, 8),
    Subnet::v4(10, 0, 0, 0, 8),
    Subnet::v4(172, 16, 0, 0, 12),
    Subnet::v4(192, 168, 0, 0, 16),
    Subnet::v4(169, 254, 0, 0, 16),
    Subnet::v4(100, 64, 0, 0, 10),
    Subnet::v6(0, 1, 128),
    Subnet::v6(0xfc00, 0, 7),
    Subnet::v6(0xfe80, 0, 10),
];

/// What an authority may vouch for; fixed for its life when it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraints {
    /// Domains, with everything below them.
    pub domains: Vec<String>,
    /// Address ranges.
    pub subnets: Vec<Subnet>,
}

impl Constraints {
    /// Of the authority that people trust for the pages.
    pub fn page(config: &Config) -> Self {
        let mut all = Self { domains: Vec::new(), subnets: PRIVATE.to_vec() };
        let named = config.hosts.iter().map(|host| Name::new(host)).chain([Name::Ip(config.listen.ip())]);
        // Not the whole of `.local`: a printer's and another box's names are there too.
        let announced = Name::new(&format!("{}.local", config.name));
        for name in [Name::new("localhost"), announced, Name::new(&config.name)].into_iter().chain(named) {
            all.allow(name);
        }
        all
    }

    /// Of the authority for services among themselves: `localhost`, these names, and private addresses.
    pub fn inner(names: &[&str]) -> Self {
        let mut all = Self { domains: Vec::new(), subnets: PRIVATE.to_vec() };
        ["localhost"].iter().chain(names).for_each(|name| all.allow(Name::new(name)));
        all
    }

    fn allow(&mut self, name: Name) {
        match name {
            Name::Ip(ip) if ip.is_unspecified() => {}
            name if self.permits(&name) => {}
            Name::Ip(ip) => {
                self.subnets.push(Subnet { address: ip, prefix: if ip.is_ipv4() { 32 } else { 128 } })
            }
            Name::Dns(name) => self.domains.push(name),
        }
    }

    /// Whether this name may stand on a leaf.
    pub fn permits(&self, name: &Name) -> bool {
        match name {
            Name::Ip(ip) => self.subnets.iter().any(|subnet| subnet.contains(*ip)),
            Name::Dns(name) => self.domains.iter().any(|domain| {
                name.strip_suffix(domain.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            }),
        }
    }
}

/// The names that the pages' certificate carries: the box's own, `localhost`, the listening address
/// (every address of this machine that we can tell when it listens on all), and the boot file's `hosts`.
pub fn page_names(config: &Config) -> Vec<Name> {
    let mut names = vec![
        Name::new(&format!("{}.local", config.name)),
        Name::new(&config.name),
        Name::new("localhost"),
        Name::Ip(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        Name::Ip(IpAddr::V6(Ipv6Addr::LOCALHOST)),
    ];
    if config.listen.ip().is_unspecified() {
        names.extend(primary_address().map(Name::Ip));
    } else {
        names.push(Name::Ip(config.listen.ip()));
    }
    names.extend(config.hosts.iter().map(|host| Name::new(host)));
    names.sort();
    names.dedup();
    names
}

/// The address by which this machine would reach others: what the kernel would send from. Nothing is sent.
pub fn primary_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?; // TEST-NET-1: a route look-up, no packet
    socket
        .local_addr()
        .ok()
        .map(|address| address.ip())
        .filter(|ip| !ip.is_loopback() && !ip.is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(listen: &str, hosts: &[&str]) -> Config {
        let hosts = hosts.iter().map(|host| format!("\"{host}\"")).collect::<Vec<_>>().join(",");
        let dir = tempfile::tempdir().expect("a temporary folder");
        let text = format!("name = \"bar\"\nlisten = \"{listen}\"\nhosts = [{hosts}]\n");
        std::fs::write(dir.path().join("flashnode.toml"), text).expect("written");
        Config::read(dir.path()).expect("valid")
    }

    #[test]
    fn private_names_are_permitted_and_public_ones_only_by_the_boot_file() {
        let bare = Constraints::page(&config("0.0.0.0:8443", &[]));
        for fine in
            ["localhost", "bar", "bar.local", "x.bar.local", "192.168.1.4", "::1", "fd00::7", "100.101.1.1"]
        {
            assert!(bare.permits(&Name::new(fine)), "{fine}");
        }
        for evil in [
            "example.com",
            "notlocal",
            "evillocalhost",
            "printer.local",
            "local",
            "8.8.8.8",
            "2001:db8::1",
            "0.0.0.0",
        ] {
            assert!(!bare.permits(&Name::new(evil)), "{evil}");
        }
        let named = Constraints::page(&config("203.0.113.9:8443", &["bar.example.com"]));
        assert!(named.permits(&Name::new("bar.example.com")) && named.permits(&Name::new("203.0.113.9")));
        assert!(!named.permits(&Name::new("example.com")) && !named.permits(&Name::new("203.0.113.10")));
    }

    #[test]
    fn the_pages_names_are_within_their_authoritys_limits() {
        let config = config("127.0.0.1:8443", &["bar.example.com", "[2001:db8::5]"]);
        let constraints = Constraints::page(&config);
        for name in page_names(&config) {
            assert!(constraints.permits(&name), "{name}");
        }
    }
}
