//! Words of network descriptions that stand for one of a few things.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! words {
    ($($(#[$about:meta])* $name:ident { $($(#[$word_about:meta])* $word:ident = $text:literal,)* })*) => {$(
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
        pub enum $name {
            $($(#[$word_about])* #[serde(rename = $text)] $word,)*
        }

        impl $name {
            /// As it is written.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$word => $text,)* }
            }
        }
    )*};
}

words! {
    /// What DHCP is told this machine is.
    DhcpIdentifier {
        /// The card's address.
        Mac = "mac",
        /// An identifier of the machine.
        Duid = "duid",
    }
    /// A version of IP.
    Family {
        /// IPv4.
        Ipv4 = "ipv4",
        /// IPv6.
        Ipv6 = "ipv6",
    }
    /// How addresses of IPv6 are made.
    AddressGeneration {
        /// From the card's address.
        Eui64 = "eui64",
        /// From a secret and the network.
        StablePrivacy = "stable-privacy",
    }
    /// Whether an interface is switched on.
    Activation {
        /// By others.
        Manual = "manual",
        /// Never.
        Off = "off",
    }
    /// What a rule does with packets.
    RuleKind {
        /// The table is looked into, which is the default.
        Table = "table",
        /// They are dropped.
        BlackHole = "blackhole",
        /// The sender is told that there is no way.
        Unreachable = "unreachable",
        /// The sender is told that it may not.
        Prohibit = "prohibit",
    }
    /// What a VXLAN tells programs of.
    VxLanNotification {
        /// An address of Ethernet is not known.
        L2Miss = "l2-miss",
        /// An address of IP is not known.
        L3Miss = "l3-miss",
    }
    /// Sums of packets of a VXLAN.
    VxLanChecksum {
        /// They are written over IPv4.
        Udp = "udp",
        /// They are not written over IPv6.
        ZeroUdp6Tx = "zero-udp6-tx",
        /// Packets without them are taken over IPv6.
        ZeroUdp6Rx = "zero-udp6-rx",
        /// The other end computes them.
        RemoteTx = "remote-tx",
        /// They are computed for the other end.
        RemoteRx = "remote-rx",
    }
    /// What a VXLAN can do besides.
    VxLanExtension {
        /// Packets carry a group's number.
        GroupPolicy = "group-policy",
        /// Packets say what they contain.
        GenericProtocol = "generic-protocol",
    }
    /// A kind of tunnel.
    TunnelMode {
        /// WireGuard.
        WireGuard = "wireguard",
        /// IPv4 and others in IPv4.
        Gre = "gre",
        /// Ethernet in IPv4.
        GreTap = "gretap",
        /// As `gre`, in IPv6.
        Ip6Gre = "ip6gre",
        /// As `gretap`, in IPv6.
        Ip6GreTap = "ip6gretap",
        /// IPv4 in IPv4.
        Ipip = "ipip",
        /// IPv4 in IPv6.
        Ipip6 = "ipip6",
        /// IPv6 in IPv6.
        Ip6Ip6 = "ip6ip6",
        /// IPv6 in IPv4.
        Sit = "sit",
        /// IPsec's, of IPv4.
        Vti = "vti",
        /// IPsec's, of IPv6.
        Vti6 = "vti6",
        /// Ethernet in UDP.
        VxLan = "vxlan",
    }
}
