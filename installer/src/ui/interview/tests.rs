use super::super::Kind;
use super::*;
use crate::plan::Offered;
use crate::plan::{DiskFacts, Firmware, Step};

pub(crate) fn interview() -> Interview {
    let disk = DiskFacts {
        device: "/dev/sda".into(),
        aliases: Vec::new(),
        size_bytes: 16 << 30,
        model: "Disk".into(),
        writable: true,
        sector_bytes: 512,
        in_use: None,
        module: None,
        holds: vec!["sda1 of 1 GiB".into()],
    };
    let medium = DiskFacts { device: "/dev/sdb".into(), in_use: Some("it is the medium".into()), ..disk.clone() };
    let programs = ["mkfs.ext4", "mkfs.vfat", "mkswap"].map(str::to_owned).to_vec();
    let facts = Facts { firmware: Firmware::Bios, memory_bytes: 1 << 30, disks: vec![medium, disk], cards: vec!["eth0".into()], programs };
    let packages = [
        ("minimal", "boots"),
        ("developer", "compiles"),
        ("vim", "edits text"),
        ("linux", "a kernel"),
        ("linux-generic", "another kernel"),
    ];
    // The kernel of virtual machines is asked for by what its package provides.
    let names = packages.iter().map(|(name, _)| (*name).to_owned()).chain(["linux-esx".to_owned()]).collect();
    let offers = Offered { packages: packages.map(|(name, summary)| (name.to_owned(), summary.to_owned())).into(), names };
    let read = |path: &str| {
        match path {
        "/keys" => Ok("# two\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN/Rr+BMTs1q+UjDTKzm0CdwN0kksxKM9jBYuF/GDQFU a\n\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPXY7I7IIducGgIvHlcGSP3GkOhvVcX9Tp4OKXg+o3VO b\n".to_owned()),
        "/ca.pem" => Ok("x\n-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n".repeat(2)),
        path => Err(format!("no {path}")),
    }
    };
    Interview::new(Surroundings { facts, offers, read, seed: [1; 32] })
}

fn say(interview: &mut Interview, text: &str) -> Result<Outcome, String> {
    interview.answer(&Answer::Text(text.into()))
}

fn choose(interview: &mut Interview, index: usize) -> Result<Outcome, String> {
    interview.answer(&Answer::Index(index))
}

#[test]
fn a_whole_conversation() {
    let mut talk = interview();
    choose(&mut talk, 0).unwrap();
    assert_eq!(choose(&mut talk, 0), Err("it is in use: it is the medium".into()));
    choose(&mut talk, 1).unwrap();
    choose(&mut talk, 1).unwrap();
    for wrong in ["", "/usr 100", "/ 1 zfs", "/ 0", "/srv 5 xfs", "/ rest btrfs", "/ 120%", "relative 5"] {
        assert!(say(&mut talk, wrong).is_err(), "{wrong}");
    }
    for line in ["/ rest", "swap 512", "/var 10%", "- 64 swap", ""] {
        say(&mut talk, line).unwrap();
    }
    choose(&mut talk, 1).unwrap();
    choose(&mut talk, 0).unwrap();
    choose(&mut talk, 3).unwrap();
    choose(&mut talk, 0).unwrap();
    assert!(say(&mut talk, "5000").is_err() && say(&mut talk, "x").is_err());
    for line in ["7", "192.0.2.7/24 2001:db8::7/64"] {
        say(&mut talk, line).unwrap();
    }
    assert!(say(&mut talk, "nowhere").is_err());
    say(&mut talk, "192.0.2.1").unwrap();
    for wrong in ["10.0.0.0/8", "10.0.0.0/99 192.0.2.2", "10.0.0.0/8 x", "10.0.0.0/8 192.0.2.2 low"] {
        assert!(say(&mut talk, wrong).is_err(), "{wrong}");
    }
    for line in ["10.0.0.0/8 192.0.2.2", "default 2001:db8::1 50", "", "192.0.2.53", "example.com"] {
        say(&mut talk, line).unwrap();
    }
    assert!(say(&mut talk, "a_b").is_err());
    for line in ["node", "sesame", "sesame"] {
        say(&mut talk, line).unwrap();
    }
    assert!(
        say(&mut talk, "/nothing").is_err()
            && say(&mut talk, "ssh-ed25519 nonsense").is_err()
            && say(&mut talk, "ssh-ed25519 AAAAC3Nza me").is_err()
    );
    say(&mut talk, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPB3ZUf/t9vf9lorU76ObjtWE8WL0bnFRFO4YT43pIB me").unwrap();
    assert!(say(&mut talk, "root").is_err() && say(&mut talk, "d@v").is_err());
    for line in ["dev", "", "/keys", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEAME6oYk73P9UN11rC8pr9A9fc1F/TDR68ENCv2WCCs"] {
        say(&mut talk, line).unwrap();
    }
    talk.answer(&Answer::Remove(0)).unwrap();
    assert!(talk.answer(&Answer::Remove(7)).is_err());
    for line in ["", "/ca.pem", ""] {
        say(&mut talk, line).unwrap();
    }
    choose(&mut talk, 1).unwrap();
    let plan = talk.plan().unwrap();
    assert!(!format!("{plan}").contains("sesame") && !format!("{talk:?}").contains("sesame"));
    assert!(plan.steps.iter().any(|step| matches!(step, Step::InstallPackages { packages } if packages[1] == "developer")));
    assert_eq!(talk.kickstart(), &Kickstart::parse("ks.json", WHOLE).unwrap().document.value);
    assert!(talk.question().text.contains("sda1 of 1 GiB"));
    assert!(say(&mut talk, "yes").is_err());
    assert_eq!(say(&mut talk, "/dev/sda"), Ok(Outcome::Confirmed));
}

/// What the conversation above amounts to.
const WHOLE: &str = r#"{
    "disk": "/dev/sda", "packages": ["minimal", "developer"], "hostname": "node", "finish": "poweroff",
    "partitions": [
        {"mountpoint": "/", "size": 0}, {"size": 512, "filesystem": "swap"}, {"mountpoint": "/var", "sizepercent": 10},
        {"size": 64, "filesystem": "swap"}
    ],
    "network": {
        "version": 2, "ethernets": {"eth0": {"match": {"name": "eth0"}}},
        "vlans": {"vlan7": {
            "id": 7, "link": "eth0", "addresses": ["192.0.2.7/24", "2001:db8::7/64"], "gateway": "192.0.2.1",
            "routes": [{"to": "10.0.0.0/8", "via": "192.0.2.2"}, {"to": "default", "via": "2001:db8::1", "metric": 50}],
            "nameservers": {"addresses": ["192.0.2.53"], "search": ["example.com"]}
        }}
    },
    "password": {"text": "sesame", "crypted": false},
    "public_key": {"key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPB3ZUf/t9vf9lorU76ObjtWE8WL0bnFRFO4YT43pIB me"},
    "users": [{"name": "dev", "groups": ["docker"], "sudo": true, "ssh_keys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPXY7I7IIducGgIvHlcGSP3GkOhvVcX9Tp4OKXg+o3VO b", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEAME6oYk73P9UN11rC8pr9A9fc1F/TDR68ENCv2WCCs"]}],
    "ca_certificates": [
        "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"
    ]
}"#;

#[test]
fn going_back_undoes_and_differing_passwords_are_noticed() {
    let mut talk = interview();
    assert!(!talk.back());
    for index in [0, 1, 0, 0, 0, 0] {
        choose(&mut talk, index).unwrap();
    }
    say(&mut talk, "node").unwrap();
    say(&mut talk, "one").unwrap();
    assert!(say(&mut talk, "two").unwrap_err().contains("differ"));
    let before = talk.kickstart().clone();
    assert!(talk.back() && talk.back());
    assert_eq!(talk.kickstart().hostname, None);
    assert_eq!(talk.question().kind, Kind::Text { default: "node".into() });
    say(&mut talk, "node").unwrap();
    assert_eq!(talk.kickstart(), &before);
}

#[test]
fn another_password_is_asked_for_again() {
    let mut talk = interview();
    for index in [0, 1, 0, 0, 0, 0] {
        choose(&mut talk, index).unwrap();
    }
    for line in ["node", "one", "one"] {
        say(&mut talk, line).unwrap();
    }
    assert!(talk.back());
    assert_eq!(talk.question().kind, Kind::Secret { default: Secret::new("one") });
    assert!(talk.back());
    say(&mut talk, "two").unwrap();
    assert_eq!(talk.question().kind, Kind::Secret { default: Secret::new("") });
}

#[test]
fn lists_come_back_as_they_were_left() {
    let mut talk = interview();
    for index in [0, 1, 1] {
        choose(&mut talk, index).unwrap();
    }
    for line in ["/ rest", "/var 10%", ""] {
        say(&mut talk, line).unwrap();
    }
    let entries = |talk: &Interview| match talk.question().kind {
        Kind::List { entries, .. } => entries,
        _ => Vec::new(),
    };
    assert!(talk.back() && entries(&talk) == ["/ the rest ext4", "/var 10 % ext4"]);
    assert!(talk.back() && talk.kickstart().partitions.is_empty());
    choose(&mut talk, 1).unwrap();
    assert_eq!(entries(&talk), ["/ the rest ext4", "/var 10 % ext4"]);
    talk.answer(&Answer::Remove(0)).unwrap();
    assert!(say(&mut talk, "").is_err(), "without a root");
}

#[test]
fn what_does_not_fit_is_told_where_it_is_said() {
    let mut talk = interview();
    talk.about.facts.disks[1].size_bytes = 512 << 20;
    choose(&mut talk, 0).unwrap();
    choose(&mut talk, 1).unwrap();
    assert!(choose(&mut talk, 0).map_err(|reason| reason.contains("512 MiB")) == Err(true));
    choose(&mut talk, 1).unwrap();
    for line in ["/ rest", "/srv 9999"] {
        say(&mut talk, line).unwrap();
    }
    assert!(say(&mut talk, "").map_err(|reason| reason.starts_with("partitions: ")) == Err(true));
}

#[test]
fn only_what_is_on_the_medium_can_be_chosen() {
    let mut talk = interview();
    for index in [0, 1, 0, 2] {
        choose(&mut talk, index).unwrap();
    }
    assert_eq!(say(&mut talk, "minimal vmi"), Err("`vmi` is not on the medium; there is `vim`".into()));
    say(&mut talk, "minimal vim").unwrap();
    assert!(talk.back() && talk.back());
    for name in [DEVELOPER, "linux-generic"] {
        talk.about.offers.names.remove(name);
    }
    assert!(matches!(talk.question().kind, Kind::Choose { choices, .. } if choices[1].refusal.is_some()));
    assert!(choose(&mut talk, 1).is_err() && choose(&mut talk, 0).is_ok());
    assert!(choose(&mut talk, 1).is_err() && choose(&mut talk, 2).is_err() && choose(&mut talk, 0).is_ok());
}

#[test]
fn files_with_damaged_or_secret_content_are_refused() {
    for (text, told) in [
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "damaged"),
        ("-----BEGIN CERTIFICATE-----\nMAA=\n", "incomplete"),
        ("-----BEGIN PRIVATE KEY-----\nMAAA\n-----END PRIVATE KEY-----", "private key"),
        ("hello", "no certificate"),
        ("/nothing", "no /nothing"),
    ] {
        let mut talk = interview();
        for index in [0, 1, 0, 0, 0, 0] {
            choose(&mut talk, index).unwrap();
        }
        for line in ["node", "", "", ""] {
            say(&mut talk, line).unwrap();
        }
        let reason = say(&mut talk, text).unwrap_err();
        assert!(reason.contains(told), "{text}: {reason}");
    }
}
