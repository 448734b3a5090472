use super::super::Kind;
use super::*;
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
        holds: vec!["sda1 of 1 GiB".into()],
    };
    let medium = DiskFacts { device: "/dev/sdb".into(), in_use: Some("it is the medium".into()), ..disk.clone() };
    let programs = ["mkfs.ext4", "mkfs.vfat", "mkswap"].map(str::to_owned).to_vec();
    let facts = Facts { firmware: Firmware::Bios, memory_bytes: 1 << 30, disks: vec![medium, disk], programs };
    let offers = ["minimal", "developer", "vim"].map(str::to_owned).into();
    Interview::new(facts, vec!["eth0".into()], offers, [1; 32])
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
    assert!(say(&mut talk, "").is_err() && say(&mut talk, "/boot 100").is_err() && say(&mut talk, "/ 1 zfs").is_err());
    for line in ["/ rest", "swap 512", "/var 10%", ""] {
        say(&mut talk, line).unwrap();
    }
    choose(&mut talk, 1).unwrap();
    choose(&mut talk, 0).unwrap();
    choose(&mut talk, 2).unwrap();
    choose(&mut talk, 0).unwrap();
    assert!(say(&mut talk, "5000").is_err());
    for line in ["7", "192.0.2.7/24 2001:db8::7/64", "192.0.2.1", "192.0.2.53"] {
        say(&mut talk, line).unwrap();
    }
    assert!(say(&mut talk, "a_b").is_err());
    for line in ["node", "sesame", "sesame", "ssh-ed25519 AAAA me", "dev", "", ""] {
        say(&mut talk, line).unwrap();
    }
    let plan = talk.plan().unwrap();
    assert!(!format!("{plan}").contains("sesame") && !format!("{talk:?}").contains("sesame"));
    assert!(plan.steps.iter().any(|step| matches!(step, Step::InstallPackages { packages } if packages[1] == "developer")));
    assert!(talk.question().text.contains("sda1 of 1 GiB"));
    assert!(say(&mut talk, "yes").is_err());
    assert_eq!(say(&mut talk, "/dev/sda"), Ok(Outcome::Confirmed));
}

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
    say(&mut talk, "node").unwrap();
    assert_eq!(talk.kickstart(), &before);
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
    talk.offers.remove("developer");
    assert!(matches!(talk.question().kind, Kind::Choose { choices, .. } if choices[1].refusal.is_some()));
    assert!(choose(&mut talk, 1).is_err() && choose(&mut talk, 0).is_ok());
}
