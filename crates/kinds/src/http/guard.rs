//! The outbound guard: which addresses requests may go to.
//!
//! **Invariant:** an address is refused unless it is public or the installation allows it; an IPv6 address that
//! stands for an IPv4 address is judged as that address.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use crate::SettingsError;

/// Networks that are not the public internet, with what they are.
const V4: [(Ipv4Addr, u8, &str); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8, "unspecified"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "private"),
    (Ipv4Addr::new(100, 64, 0, 0), 10, "shared by a carrier"),
    (Ipv4Addr::new(127, 0, 0, 0), 8, "loopback"),
    (Ipv4Addr::new(168, 63, 129, 16), 32, "a metadata service"),
    (Ipv4Addr::new(169, 254, 0, 0), 16, "link-local"),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "private"),
    (Ipv4Addr::new(192, 0, 0, 0), 24, "reserved"),
    (Ipv4Addr::new(192, 0, 2, 0), 24, "for documentation"),
    (Ipv4Addr::new(192, 88, 99, 0), 24, "reserved"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "private"),
    (Ipv4Addr::new(198, 18, 0, 0), 15, "for benchmarks"),
    (Ipv4Addr::new(198, 51, 100, 0), 24, "for documentation"),
    (Ipv4Addr::new(203, 0, 113, 0), 24, "for documentation"),
    (Ipv4Addr::new(224, 0, 0, 0), 4, "multicast"),
    (Ipv4Addr::new(240, 0, 0, 0), 4, "reserved"),
];

/// The same for IPv6. Everything outside 2000::/3 that is not listed is reserved.
const V6: [(Ipv6Addr, u8, &str); 9] = [
    (Ipv6Addr::UNSPECIFIED, 128, "unspecified"),
    (Ipv6Addr::LOCALHOST, 128, "loopback"),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, "private"),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, "link-local"),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, "private"),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, "multicast"),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, "reserved"),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, "for documentation"),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, "for documentation"),
];

/// What an installation allows.
#[derive(Debug)]
pub(super) struct Guard(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    what: What,
    port: Option<u16>,
}

#[derive(Debug)]
enum What {
    Any,
    Host(String),
    Below(String),
    Net(IpAddr, u8),
}

/// A refusal, on its way through the layers of the client.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    pub(super) host: String,
    pub(super) address: IpAddr,
    pub(super) what: &'static str,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, address, what } = self;
        let name = if host.parse() == Ok(*address) { String::new() } else { format!("`{host}` is ") };
        write!(
            f,
            "{name}{address} ({what}), an address that flows may not reach; to allow it, set \
             DRAWLOOM_HTTP_ALLOW={address} or give `--http-allow {address}`"
        )
    }
}

impl std::error::Error for Refused {}

impl Guard {
    /// Reads the list of what is allowed.
    pub(super) fn new(allow: &[String]) -> Result<Self, SettingsError> {
        let entries = allow.iter().flat_map(|it| it.split([',', ' '])).map(str::trim).filter(|it| !it.is_empty());
        let rules = entries.map(|it| Rule::read(it).ok_or_else(|| SettingsError::HttpAllow(it.to_owned())));
        Ok(Self(rules.collect::<Result<_, _>>()?))
    }

    /// Whether what is allowed depends on ports.
    pub(super) fn has_ports(&self) -> bool {
        self.0.iter().any(|it| it.port.is_some())
    }

    /// Checks an address that `host` has.
    pub(super) fn check(&self, host: &str, address: IpAddr, port: u16) -> Result<(), Refused> {
        let Some(what) = why_not(address) else { return Ok(()) };
        if self.0.iter().any(|it| it.allows(host, address, port)) {
            return Ok(());
        }
        Err(Refused { host: host.to_owned(), address, what })
    }
}

impl Rule {
    fn read(text: &str) -> Option<Self> {
        if let Some(what) = What::read(text) {
            return Some(Self { what, port: None });
        }
        let (what, port) = text.rsplit_once(':')?;
        Some(Self { what: What::read(what)?, port: Some(port.parse().ok()?) })
    }

    fn allows(&self, host: &str, address: IpAddr, port: u16) -> bool {
        let what = match &self.what {
            What::Any => true,
            What::Host(it) => it == normal(host),
            What::Below(it) => normal(host).strip_suffix(it.as_str()).is_some_and(|rest| rest.ends_with('.')),
            What::Net(net, bits) => contains(*net, *bits, address.to_canonical()),
        };
        what && self.port.is_none_or(|it| it == port)
    }
}

impl What {
    fn read(text: &str) -> Option<Self> {
        let bare = text.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(text);
        if let Ok(it) = bare.parse::<IpAddr>() {
            return Some(Self::Net(it.to_canonical(), if it.to_canonical().is_ipv4() { 32 } else { 128 }));
        }
        if let Some((net, bits)) = bare.split_once('/') {
            let (net, bits) = (net.parse::<IpAddr>().ok()?, bits.parse::<u8>().ok()?);
            let most = if net.is_ipv4() { 32 } else { 128 };
            return (bits <= most).then_some(Self::Net(net, bits));
        }
        if text == "*" {
            return Some(Self::Any);
        }
        let named =
            |it: &str| !it.is_empty() && it.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'));
        match text.strip_prefix("*.") {
            Some(below) => named(below).then(|| Self::Below(normal(&below.to_lowercase()).to_owned())),
            None => named(text).then(|| Self::Host(normal(&text.to_lowercase()).to_owned())),
        }
    }
}

/// A host name as URLs have it: lower case, without the dot that may end it.
fn normal(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

/// What an address is, where it is not public.
pub(super) fn why_not(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(it) => {
            V4.iter().find(|(net, bits, _)| contains((*net).into(), *bits, it.into())).map(|(_, _, what)| *what)
        }
        IpAddr::V6(it) => match embedded(it) {
            Some(v4) => why_not(v4.into()),
            None => V6
                .iter()
                .find(|(net, bits, _)| contains((*net).into(), *bits, it.into()))
                .map(|(_, _, what)| *what)
                .or((it.segments()[0] & 0xe000 != 0x2000).then_some("reserved")),
        },
    }
}

/// The IPv4 address that an IPv6 address stands for: mapped (::ffff:0:0/96), compatible (::/96), translated
/// (::ffff:0:0:0/96), NAT64 (64:ff9b::/96) or 6to4 (2002::/16).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let it = address.segments();
    let v4 = |high: u16, low: u16| Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match it {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => v4(high, low),
        _ => None,
    }
}

fn contains(net: IpAddr, bits: u8, address: IpAddr) -> bool {
    let same = |a: u128, b: u128, width: u32| (a ^ b).checked_shr(width - u32::from(bits)).unwrap_or(0) == 0;
    match (net, address) {
        (IpAddr::V4(net), IpAddr::V4(it)) => same(u32::from(net).into(), u32::from(it).into(), 32),
        (IpAddr::V6(net), IpAddr::V6(it)) => same(net.into(), it.into(), 128),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
