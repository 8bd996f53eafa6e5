use super::*;

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn addresses_that_are_not_public_are_refused() {
    for text in [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "::ffff:0:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a9fe:a9fe",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "2001::1",
        "2001:db8::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "100::1",
        "5f00::1",
    ] {
        assert!(why_not(address(text)).is_some(), "{text} must be refused");
    }
}

#[test]
fn public_addresses_are_not() {
    for text in [
        "1.1.1.1",
        "8.8.8.8",
        "100.63.255.255",
        "100.128.0.0",
        "172.15.0.1",
        "172.32.0.1",
        "169.253.0.1",
        "2606:4700:4700::1111",
        "2a00:1450:4001::1",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
        "2002:808:808::1",
    ] {
        assert_eq!(why_not(address(text)), None, "{text} must be allowed");
    }
}

#[test]
fn the_list_allows_hosts_addresses_networks_and_ports() {
    let allows = |rule: &str, host: &str, ip: &str, port: u16| {
        Guard::new(&[rule.to_owned()]).unwrap().check(host, address(ip), port).is_ok()
    };
    assert!(allows("127.0.0.1", "127.0.0.1", "127.0.0.1", 80));
    assert!(allows("127.0.0.1", "::ffff:127.0.0.1", "::ffff:127.0.0.1", 80));
    assert!(!allows("127.0.0.1", "127.0.0.2", "127.0.0.2", 80));
    assert!(allows("127.0.0.1:8080", "x", "127.0.0.1", 8080));
    assert!(!allows("127.0.0.1:8080", "x", "127.0.0.1", 80));
    assert!(allows("10.0.0.0/8, 192.168.0.0/16", "x", "192.168.3.4", 80));
    assert!(!allows("10.0.0.0/8", "x", "192.168.3.4", 80));
    assert!(allows("localhost", "localhost", "127.0.0.1", 80));
    assert!(allows("LocalHost", "localhost.", "::1", 80));
    assert!(!allows("localhost", "other", "127.0.0.1", 80));
    assert!(allows("*.corp.example", "git.corp.example", "10.1.1.1", 80));
    assert!(!allows("*.corp.example", "corp.example", "10.1.1.1", 80));
    assert!(!allows("*.corp.example", "evilcorp.example", "10.1.1.1", 80));
    assert!(allows("[::1]:80", "::1", "::1", 80));
    assert!(!allows("[::1]:80", "::1", "::1", 81));
    assert!(allows("::1", "::1", "::1", 81));
    assert!(allows("fd00::/8", "x", "fd00::5", 81));
    assert!(allows("fd00::5/128", "x", "fd00::5", 81));
    assert!(!allows("fd00::5/128", "x", "fd00::4", 81));
    assert!(allows("10.0.0.5/32", "x", "10.0.0.5", 81));
    assert!(!allows("10.0.0.5/32", "x", "10.0.0.4", 81));
    assert!(!allows("10.0.0.0/9", "x", "10.128.0.0", 81));
    assert!(allows("::/0", "x", "::1", 81));
    assert!(allows("0.0.0.0/0", "x", "127.0.0.1", 81));
    assert!(allows("*", "x", "127.0.0.1", 81));
    for wrong in ["10.0.0.0/33", "fe80::/129", "[fe80::/256]", "host:99999", "a b/c", "http://x", "x/8", ":80", "*."] {
        assert!(Guard::new(&[wrong.to_owned()]).is_err(), "{wrong}");
    }
}
