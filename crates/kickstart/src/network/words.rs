//! Words of network descriptions that stand for one of a few things.

use std::fmt;

use schemars::JsonSchema;
use serde::de::{self, Deserializer, EnumAccess, VariantAccess as _, Visitor};
use serde::{Deserialize, Serialize};

macro_rules! words {
    ($($(#[$about:meta])* $name:ident $(($numbered:ident))? { $($(#[$word_about:meta])* $word:ident = $text:literal,)* })*) => {$(
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
        pub enum $name {
            $($(#[$word_about])* #[serde(rename = $text)] $word,)*
        }

        impl $name {
            /// As it is written.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$word => $text,)* }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                const WORDS: &[&str] = &[$($text),*];
                const ALL: &[$name] = &[$($name::$word),*];
                let numbers = words!(@numbers $($numbered)?);
                deserializer.deserialize_enum(stringify!($name), WORDS, OneOf { words: WORDS, numbers }).map(|at| ALL[at])
            }
        }
    )*};
    (@numbers) => { Numbers::None };
    (@numbers numbered) => { Numbers::FromZero };
}

/// Whether a word may be written as its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Numbers {
    None,
    /// In the order of the words, as Linux' bonding driver counts them (Documentation/networking/bonding.rst).
    FromZero,
}

/// Reads one of a few words, as its place among them.
struct OneOf {
    words: &'static [&'static str],
    numbers: Numbers,
}

impl<'de> Visitor<'de> for OneOf {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one word")
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<usize, A::Error> {
        let (text, rest) = data.variant::<String>()?;
        rest.unit_variant()?;
        let by_number = || text.parse::<usize>().ok().filter(|at| self.numbers == Numbers::FromZero && *at < self.words.len());
        let found = self.words.iter().position(|word| *word == text).or_else(by_number);
        found.ok_or_else(|| de::Error::unknown_variant(&text, self.words))
    }
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
        /// The sender gets the answer that the destination is unreachable.
        Unreachable = "unreachable",
        /// The sender gets the answer that this is prohibited.
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
    /// How the cards of a bond work together, or the number that Linux' bonding driver has for it.
    BondMode (numbered) {
        /// In turn.
        RoundRobin = "balance-rr",
        /// One of them, the others rest.
        ActiveBackup = "active-backup",
        /// By a hash of the packet.
        Xor = "balance-xor",
        /// All at once.
        Broadcast = "broadcast",
        /// As the switch agrees (LACP).
        Lacp = "802.3ad",
        /// By the load of what is sent.
        TransmitLoad = "balance-tlb",
        /// By the load in both directions.
        AdaptiveLoad = "balance-alb",
    }
    /// How often the other end of a bond says that it is there.
    LacpRate (numbered) {
        /// Every 30 seconds.
        Slow = "slow",
        /// Every second.
        Fast = "fast",
    }
    /// What of a packet decides over which card it is sent.
    TransmitHash (numbered) {
        /// The addresses of Ethernet.
        Layer2 = "layer2",
        /// The addresses of IP and the ports.
        Layer34 = "layer3+4",
        /// The addresses of Ethernet and IP.
        Layer23 = "layer2+3",
        /// As `layer2+3`, of what is in a tunnel.
        Encap23 = "encap2+3",
        /// As `layer3+4`, of what is in a tunnel.
        Encap34 = "encap3+4",
    }
    /// Which group of cards is used.
    AdSelect (numbered) {
        /// The one in use.
        Stable = "stable",
        /// The fastest.
        Bandwidth = "bandwidth",
        /// The largest.
        Count = "count",
    }
    /// Which answers of ARP count.
    ArpValidate (numbered) {
        /// All packets count.
        None = "none",
        /// Those to the card in use.
        Active = "active",
        /// Those to the resting cards.
        Backup = "backup",
        /// Those to all cards.
        All = "all",
    }
    /// How many targets of ARP must answer.
    ArpAllTargets (numbered) {
        /// One.
        Any = "any",
        /// Each.
        All = "all",
    }
    /// Which address a bond has.
    FailOverMac (numbered) {
        /// All cards have the bond's.
        None = "none",
        /// That of the card in use.
        Active = "active",
        /// It is given to the card in use.
        Follow = "follow",
    }
    /// When the primary card of a bond is used again.
    PrimaryReselect (numbered) {
        /// When it is up.
        Always = "always",
        /// When it is faster.
        Better = "better",
        /// When the one in use fails.
        Failure = "failure",
    }
    /// A kind of route (systemd.network(5), `Type=`).
    RouteKind {
        /// To another machine.
        Unicast = "unicast",
        /// To this machine.
        Local = "local",
        /// To all machines of a link.
        Broadcast = "broadcast",
        /// To this machine among others.
        Anycast = "anycast",
        /// To a group.
        Multicast = "multicast",
        /// Packets are dropped.
        BlackHole = "blackhole",
        /// The sender gets the answer that the destination is unreachable.
        Unreachable = "unreachable",
        /// The sender gets the answer that this is prohibited.
        Prohibit = "prohibit",
        /// The table says nothing.
        Throw = "throw",
        /// Addresses are replaced.
        Nat = "nat",
        /// A program is asked.
        External = "xresolve",
    }
    /// How far away a route's destination is (systemd.network(5), `Scope=`).
    RouteScope {
        /// Anywhere.
        Global = "global",
        /// In the site.
        Site = "site",
        /// On the link.
        Link = "link",
        /// In this machine.
        Host = "host",
        /// It does not exist.
        Nowhere = "nowhere",
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

impl RouteKind {
    /// Whether packets are not sent on, whatever else the route says.
    pub fn goes_nowhere(self) -> bool {
        match self {
            Self::BlackHole | Self::Unreachable | Self::Prohibit | Self::Throw => true,
            Self::Unicast | Self::Local | Self::Broadcast | Self::Anycast | Self::Multicast | Self::Nat | Self::External => false,
        }
    }
}

impl BondMode {
    /// Whether others can be asked by ARP whether they are there.
    pub fn asks_by_arp(self) -> bool {
        match self {
            Self::RoundRobin | Self::ActiveBackup | Self::Xor | Self::Broadcast => true,
            Self::Lacp | Self::TransmitLoad | Self::AdaptiveLoad => false,
        }
    }

    /// Whether one card is used before the others.
    pub fn has_a_primary(self) -> bool {
        match self {
            Self::ActiveBackup | Self::TransmitLoad | Self::AdaptiveLoad => true,
            Self::RoundRobin | Self::Xor | Self::Broadcast | Self::Lacp => false,
        }
    }
}
