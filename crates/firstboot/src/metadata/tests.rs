use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;

use super::fake::{Answer, Asked, Fake, PATIENCE, ok, status};
use super::*;
use crate::cloud::{SshKey, SudoRules};

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEuPD92oV88/iYH7O8hL26+vSX4HnZlnCAbAkGPHjEDC me";
const USER_DATA: &str = "#cloud-config\nhostname: node\n";

fn ask(cloud: Cloud, answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> (Result<CloudMetadata, MetadataError>, Fake) {
    let fake = Fake::start(answer);
    (cloud.ask(&fake.addresses(), PATIENCE), fake)
}

/// Files of the firmware's words, and what is in them.
type Words<'a> = &'a [(&'a str, &'a str)];

#[test]
fn the_firmware_tells_the_cloud() {
    let table: [(Words<'_>, Option<Cloud>); 11] = [
        (&[("sys_vendor", "Amazon EC2\n"), ("product_name", "m7i.large\n"), ("bios_vendor", "Amazon EC2\n")], Some(Cloud::Ec2)),
        (&[("sys_vendor", "Xen\n"), ("bios_vendor", "Xen\n"), ("bios_version", "4.11.amazon\n")], Some(Cloud::Ec2)),
        (&[("sys_vendor", "Google\n"), ("product_name", "Google Compute Engine\n")], Some(Cloud::Gce)),
        (&[("product_serial", "GoogleCloud-0123456789ABCDEF\n")], Some(Cloud::Gce)),
        (&[("sys_vendor", "Microsoft Corporation\n"), ("chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77\n")], Some(Cloud::Azure)),
        (&[("sys_vendor", "Microsoft Corporation\n"), ("product_name", "Virtual Machine\n"), ("chassis_asset_tag", "1\n")], None),
        (&[("sys_vendor", "Google\n"), ("product_name", "Eve\n")], None),
        (&[("sys_vendor", "Xen\n"), ("bios_vendor", "Xen\n"), ("bios_version", "4.17\n")], None),
        (&[("sys_vendor", "QEMU\n"), ("product_name", "Standard PC (Q35 + ICH9, 2009)\n")], None),
        (&[("sys_vendor", "VMware, Inc.\n")], None),
        (&[], None),
    ];
    for (words, expected) in table {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in words {
            fs::write(folder.path().join(name), text).unwrap();
        }
        assert_eq!(Cloud::of(folder.path()), expected, "{words:?}");
    }
}

fn amazon(asked: &Asked) -> Answer {
    if asked.what == "PUT /latest/api/token" {
        let is_right = asked.headers.contains_key("x-aws-ec2-metadata-token-ttl-seconds") && !asked.headers.contains_key("x-forwarded-for");
        return if is_right { ok("t0ken==") } else { status(400) };
    }
    if asked.headers.get("x-aws-ec2-metadata-token").map(String::as_str) != Some("t0ken==") {
        return status(401);
    }
    amazon_before(asked)
}

/// Version 1.
fn amazon_before(asked: &Asked) -> Answer {
    match asked.what.as_str() {
        "GET /latest/meta-data/instance-id" => ok("i-0abc"),
        "GET /latest/meta-data/local-hostname" => ok("ip-10-0-0-1.ec2.internal other.example"),
        "GET /latest/meta-data/public-keys/" => ok("0=mine\n1=yours"),
        "GET /latest/meta-data/public-keys/0/openssh-key" => ok(format!("{KEY}\n")),
        "GET /latest/meta-data/public-keys/1/openssh-key" => ok(
            "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQCZ0G4NyMoTpFYe/C+Y8qqCCVn8NOyZTd3dijLnMIUvsPPB9uVztwMmNejzoyBRRb7inHN479iDQBehYERCC7MpR2uXpCBxdLtUHUfetSfArv0KipI1sKAGIWQXboFWSUX9/X7fqsHpaT+Zedsj1sOSefIpthyxhosdLe1OkNWMlw== you\n",
        ),
        "GET /latest/user-data" => ok(USER_DATA),
        _ => status(404),
    }
}

#[test]
fn amazon_is_asked_with_a_token() {
    let (metadata, fake) = ask(Cloud::Ec2, amazon);
    let expected = CloudMetadata {
        instance: "i-0abc".into(),
        hostname: Some("ip-10-0-0-1.ec2.internal".into()),
        root_keys: vec![KEY.into(), "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQCZ0G4NyMoTpFYe/C+Y8qqCCVn8NOyZTd3dijLnMIUvsPPB9uVztwMmNejzoyBRRb7inHN479iDQBehYERCC7MpR2uXpCBxdLtUHUfetSfArv0KipI1sKAGIWQXboFWSUX9/X7fqsHpaT+Zedsj1sOSefIpthyxhosdLe1OkNWMlw== you".into()],
        user_data: Some(USER_DATA.into()),
        ..CloudMetadata::default()
    };
    assert_eq!(metadata.unwrap(), expected);
    assert_eq!(fake.asked()[0].what, "PUT /latest/api/token");
    assert!(Cloud::Ec2.report(&fake.addresses(), PATIENCE).is_ok());
}

#[test]
fn amazon_without_tokens_is_asked_only_where_it_says_so() {
    for (answer, expected) in [(404, Ok("i-0abc")), (405, Ok("i-0abc")), (403, Err(403)), (400, Err(400)), (401, Err(401))] {
        let (metadata, fake) =
            ask(Cloud::Ec2, move |asked| if asked.what.starts_with("PUT") { status(answer) } else { amazon_before(asked) });
        match (metadata, expected) {
            (Ok(metadata), Ok(instance)) => assert_eq!(metadata.instance, instance),
            (Err(MetadataError::Status { status, .. }), Err(expected)) => assert_eq!((status, fake.asked().len()), (expected, 1)),
            (metadata, _) => panic!("{answer}: {metadata:?}"),
        }
    }
}

#[test]
fn amazon_s_tokens_end_and_parts_may_be_missing() {
    let given = AtomicUsize::new(0);
    let (metadata, _) = ask(Cloud::Ec2, move |asked| match asked.what.as_str() {
        "PUT /latest/api/token" => ok(format!("t{}", given.fetch_add(1, Ordering::SeqCst))),
        _ if asked.headers.get("x-aws-ec2-metadata-token").map(String::as_str) != Some("t1") => status(401),
        "GET /latest/meta-data/instance-id" => ok("i-1"),
        _ => status(404),
    });
    assert_eq!(metadata.unwrap(), CloudMetadata { instance: "i-1".into(), ..CloudMetadata::default() });
    let refused = ask(Cloud::Ec2, |asked| if asked.what.starts_with("PUT") { ok("t") } else { status(401) });
    assert!(matches!(refused.0, Err(MetadataError::Status { status: 401, .. })));
    let nobody = ask(Cloud::Ec2, |asked| if asked.what.starts_with("PUT") { ok("t") } else { status(404) });
    assert!(matches!(nobody.0, Err(MetadataError::Status { status: 404, .. })));
}

#[test]
fn amazon_s_nonsense_is_told() {
    for (path, text) in
        [("PUT /latest/api/token", "a b"), ("GET /latest/meta-data/public-keys/", "../x"), ("GET /latest/meta-data/instance-id", "\u{0}")]
    {
        let (metadata, _) = ask(Cloud::Ec2, move |asked| match (asked.what == path, text) {
            (true, "\u{0}") => ok([0xff, 0xfe]),
            (true, text) => ok(text),
            _ => amazon(asked),
        });
        assert!(matches!(metadata, Err(MetadataError::Malformed { .. })), "{path}: {metadata:?}");
    }
    let (metadata, _) = ask(Cloud::Ec2, |asked| if asked.what.ends_with("user-data") { ok([0x1f, 0x8b, 1, 2]) } else { amazon(asked) });
    let metadata = metadata.unwrap();
    assert_eq!((metadata.user_data, metadata.complaints.len()), (None, 1));
}

#[test]
fn user_data_may_be_compressed() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut packed, USER_DATA.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let (metadata, _) = ask(Cloud::Ec2, move |asked| if asked.what.ends_with("user-data") { ok(packed.clone()) } else { amazon(asked) });
    assert_eq!(metadata.unwrap().user_data.as_deref(), Some(USER_DATA));
}

fn google(asked: &Asked) -> Answer {
    if asked.headers.get("metadata-flavor").map(String::as_str) != Some("Google") {
        return status(403);
    }
    let flavored = |text: String| Answer::Reply(200, "Metadata-Flavor: Google\r\n", text.into_bytes());
    let keys = format!(
        "dev:{KEY}\nroot:ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQCZ0G4NyMoTpFYe/C+Y8qqCCVn8NOyZTd3dijLnMIUvsPPB9uVztwMmNejzoyBRRb7inHN479iDQBehYERCC7MpR2uXpCBxdLtUHUfetSfArv0KipI1sKAGIWQXboFWSUX9/X7fqsHpaT+Zedsj1sOSefIpthyxhosdLe1OkNWMlw== r\nops:ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQCZ0G4NyMoTpFYe/C+Y8qqCCVn8NOyZTd3dijLnMIUvsPPB9uVztwMmNejzoyBRRb7inHN479iDQBehYERCC7MpR2uXpCBxdLtUHUfetSfArv0KipI1sKAGIWQXboFWSUX9/X7fqsHpaT+Zedsj1sOSefIpthyxhosdLe1OkNWMlw== google-ssh {{\"userName\":\"o\",\"expireOn\":\"2018-12-04T20:12:00+0000\"}}"
    );
    match asked.what.as_str() {
        "GET /computeMetadata/v1/instance/?recursive=true&alt=json" => flavored(
            serde_json::json!({
                "id": 18_446_744_073_709_551_615_u64, "name": "node", "hostname": "node.c.project.internal", "zone": "z",
                "attributes": { "ssh-keys": keys, "user-data": USER_DATA, "startup-script": "true" },
            })
            .to_string(),
        ),
        "GET /computeMetadata/v1/project/attributes/?recursive=true&alt=json" => {
            flavored(serde_json::json!({ "ssh-keys": format!("dev:{KEY} 2\nonly words\n") }).to_string())
        }
        _ => status(404),
    }
}

#[test]
fn google_is_asked_for_two_documents() {
    let (metadata, fake) = ask(Cloud::Gce, google);
    let metadata = metadata.unwrap();
    assert_eq!((metadata.instance.as_str(), metadata.hostname.as_deref()), ("18446744073709551615", Some("node.c.project.internal")));
    assert_eq!((metadata.root_keys, metadata.user_data.as_deref()), (vec!["ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQCZ0G4NyMoTpFYe/C+Y8qqCCVn8NOyZTd3dijLnMIUvsPPB9uVztwMmNejzoyBRRb7inHN479iDQBehYERCC7MpR2uXpCBxdLtUHUfetSfArv0KipI1sKAGIWQXboFWSUX9/X7fqsHpaT+Zedsj1sOSefIpthyxhosdLe1OkNWMlw== r".to_owned()], Some(USER_DATA)));
    assert_eq!((metadata.users.len(), metadata.users[0].name.0.as_str()), (1, "dev"));
    assert_eq!(metadata.users[0].ssh_authorized_keys, [SshKey(KEY.to_owned()), SshKey(format!("{KEY} 2"))]);
    assert_eq!(metadata.users[0].sudo, SudoRules::everything());
    assert_eq!(metadata.complaints.len(), 3, "{:?}", metadata.complaints);
    assert_eq!(fake.asked().len(), 2);
}

#[test]
fn google_s_refusals_and_nonsense_are_told() {
    let document = "{\"id\": 1, \"attributes\": {\"block-project-ssh-keys\": \"TRUE\"}, \"hostname\": \"a_b\", \"name\": \"ab\"}";
    let (metadata, fake) = ask(Cloud::Gce, move |_| Answer::Reply(200, "Metadata-Flavor: Google\r\n", document.into()));
    assert_eq!(metadata.unwrap(), CloudMetadata { instance: "1".into(), hostname: Some("ab".into()), ..CloudMetadata::default() });
    assert_eq!(fake.asked().len(), 1, "the project's keys are not wanted");
    // Somebody else's server does not say that it is Google's.
    assert!(matches!(ask(Cloud::Gce, move |_| ok(document)).0, Err(MetadataError::Malformed { .. })));
    for text in ["", "[]", "{\"id\": \"x\"", "{\"attributes\": {}}", "{\"id\": 1, \"attributes\": {\"a\": 1}}"] {
        let (metadata, _) = ask(Cloud::Gce, move |_| Answer::Reply(200, "Metadata-Flavor: Google\r\n", text.into()));
        assert!(matches!(metadata, Err(MetadataError::Malformed { .. })), "{text}: {metadata:?}");
    }
    for code in [401, 403, 404, 301] {
        let (metadata, _) = ask(Cloud::Gce, move |_| status(code));
        assert!(matches!(metadata, Err(MetadataError::Status { status, .. }) if status == code), "{code}: {metadata:?}");
    }
}

fn microsoft(asked: &Asked) -> Answer {
    match asked.what.as_str() {
        "GET /metadata/instance?api-version=2021-02-01" if asked.headers.get("metadata").map(String::as_str) == Some("true") => {
            ok(serde_json::json!({
                "compute": {
                    "vmId": "02aab8a4", "name": "vm", "location": "x",
                    "osProfile": { "adminUsername": "azureuser", "computerName": "node", "disablePasswordAuthentication": "true" },
                    "publicKeys": [{ "keyData": "ssh-ed25519 AAAAC3NzaC1lZDI1NT\r\nE5AAAAIEuPD92oV88/iYH7O8hL26+vSX4HnZlnCAbAkGPHjEDC me\r\n", "path": "/home/azureuser/.ssh/authorized_keys" }],
                    "userData": base64::engine::general_purpose::STANDARD.encode(USER_DATA), "customData": "",
                },
                "network": { "interface": [] },
            })
            .to_string())
        }
        "GET /machine/?comp=goalstate" if asked.headers.get("x-ms-version").map(String::as_str) == Some("2012-11-30") => ok(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<GoalState><Version>2012-11-30</Version><Incarnation>1</Incarnation><Container>\
             <ContainerId>c&amp;1</ContainerId><RoleInstanceList><RoleInstance><InstanceId>r-1</InstanceId></RoleInstance>\
             </RoleInstanceList></Container></GoalState>",
        ),
        "POST /machine?comp=health" => ok(""),
        _ => status(400),
    }
}

#[test]
fn microsoft_is_asked_and_told() {
    let (metadata, fake) = ask(Cloud::Azure, microsoft);
    let metadata = metadata.unwrap();
    assert_eq!(
        (metadata.instance.as_str(), metadata.hostname.as_deref(), metadata.user_data.as_deref()),
        ("02aab8a4", Some("node"), Some(USER_DATA))
    );
    assert_eq!(
        (metadata.users[0].name.0.as_str(), &metadata.users[0].ssh_authorized_keys[..]),
        ("azureuser", &[SshKey(KEY.to_owned())][..])
    );
    assert!(metadata.root_keys.is_empty() && metadata.complaints.is_empty());
    Cloud::Azure.report(&fake.addresses(), PATIENCE).unwrap();
    let report = fake.asked().pop().unwrap().body;
    for part in ["<GoalStateIncarnation>1<", "<ContainerId>c&amp;1<", "<InstanceId>r-1<", "<State>Ready<"] {
        assert!(report.contains(part), "{part}: {report}");
    }
}

#[test]
fn microsoft_s_refusals_and_nonsense_are_told() {
    for text in ["", "{\"compute\": {}}", "{\"compute\": {\"vmId\": 5}}", "[1"] {
        let (metadata, _) = ask(Cloud::Azure, move |_| ok(text));
        assert!(matches!(metadata, Err(MetadataError::Malformed { .. })), "{text}: {metadata:?}");
    }
    for code in [400, 401, 404] {
        let (metadata, _) = ask(Cloud::Azure, move |_| status(code));
        assert!(matches!(metadata, Err(MetadataError::Status { status, .. }) if status == code), "{metadata:?}");
    }
    let (metadata, _) = ask(Cloud::Azure, |_| ok("{\"compute\": {\"vmId\": \"v\", \"userData\": \"!\", \"customData\": \"aGk=\"}}"));
    let metadata = metadata.unwrap();
    assert_eq!((metadata.user_data.as_deref(), metadata.complaints.len()), (Some("hi"), 1));
    for text in ["", "<GoalState><Incarnation>1</Incarnation></GoalState>", "<a></b>"] {
        let fake = Fake::start(move |_| ok(text));
        let report = Cloud::Azure.report(&fake.addresses(), PATIENCE);
        assert!(matches!(report, Err(MetadataError::Malformed { .. })), "{text}: {report:?}");
    }
}

#[test]
fn what_passes_is_asked_again() {
    for first in [429, 500, 503, 410] {
        let count = AtomicUsize::new(0);
        let (metadata, fake) =
            ask(Cloud::Azure, move |asked| if count.fetch_add(1, Ordering::SeqCst) < 2 { status(first) } else { microsoft(asked) });
        assert_eq!((metadata.unwrap().instance.as_str(), fake.asked().len()), ("02aab8a4", 3), "{first}");
    }
}

#[test]
fn nobody_is_waited_for_without_end() {
    let begin = Instant::now();
    let (metadata, fake) = ask(Cloud::Ec2, |_| Answer::Silence);
    assert!(matches!(metadata, Err(MetadataError::Unreachable { .. })), "{metadata:?}");
    assert!((2..=4).contains(&fake.asked().len()) && begin.elapsed() < Duration::from_secs(15), "{:?}", begin.elapsed());
    // A port where nobody listens.
    let addresses = Addresses { metadata: "http://127.0.0.1:9".into(), fabric: "http://127.0.0.1:9".into() };
    let patience = Patience { whole: Duration::from_millis(50), ..PATIENCE };
    assert!(matches!(Cloud::Gce.ask(&addresses, patience), Err(MetadataError::Unreachable { .. })));
}

#[test]
fn large_answers_are_not_read_to_their_end() {
    let (metadata, fake) = ask(Cloud::Azure, |_| Answer::Endless);
    assert!(matches!(metadata, Err(MetadataError::TooLarge { .. })), "{metadata:?}");
    assert_eq!(fake.asked().len(), 1);
    let (metadata, _) = ask(Cloud::Azure, |_| ok(vec![b' '; 2 << 20]));
    assert!(matches!(metadata, Err(MetadataError::TooLarge { .. })), "{metadata:?}");
}
