use super::*;

fn key() -> PublicKey {
    signing::StatementKey::open_or_create(tempfile::tempdir().unwrap().path()).unwrap().public().clone()
}

const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";

const CACHES: &str = "[[cache]]\nname = \"public\"\nurl = \"https://cache.test/kaon/\"\nuse = true\nagree = 2\n\n[[cache]]\nname = \"team\"\nurl = \"file:///srv/kaon\"\n";

#[test]
fn builders_and_caches_are_read() {
    let key = key();
    let text = format!("{CACHES}\n{}", builder_text("kaon-2026", &key, Some(CERTIFICATE)));
    let settings = Settings::parse("cache.toml", &text).unwrap();
    let builder = &settings.builders["kaon-2026"];
    assert_eq!((&builder.key, builder.modules.as_deref()), (&key, Some(CERTIFICATE)));
    assert_eq!(settings.modules(), Some(("kaon-2026", CERTIFICATE)));
    let names = |given: &[&str]| {
        let given: Vec<String> = given.iter().map(|text| (*text).to_owned()).collect();
        settings.chosen(&given).map(|chosen| chosen.into_iter().map(|(name, cache)| (name, cache.agree)).collect::<Vec<_>>())
    };
    assert_eq!(names(&[]).unwrap(), [("public".to_owned(), 2)]);
    assert_eq!(names(&["team"]).unwrap(), [("team".to_owned(), 1)]);
    assert_eq!(names(&["https://cache.test/kaon"]).unwrap(), [("public".to_owned(), 2)]);
    assert_eq!(names(&["http://other.test/x"]).unwrap(), [("http://other.test/x".to_owned(), 1)]);
    assert_eq!(names(&["grpc://other.test:1/x"]).unwrap(), [("grpc://other.test:1/x".to_owned(), 1)]);
    assert!(matches!(names(&["nosuch"]), Err(SettingsError::Unknown { .. })));
    assert!(matches!(names(&["grpc://other.test"]), Err(SettingsError::Server(_))));
}

#[test]
fn folders_are_named_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let odd = fs::canonicalize(folder.path()).unwrap().join("a b%2F#?\u{e9}");
    fs::create_dir(&odd).unwrap();
    let (_, cache) = Settings::default().named(odd.to_str().unwrap()).unwrap();
    let CacheAddress::Files(mirror) = cache.address else { panic!("a folder must not become a gRPC server") };
    assert_eq!(mirror.folder(), Some(odd));
}

#[test]
fn a_server_for_builds_is_read_and_its_address_can_be_given() {
    let text = "[remote]\nurl = \"grpc://farm.test:8980/main\"\njobs = 64\nproperties = { ISA = \"x86-64\" }\n";
    let settings = Settings::parse("cache.toml", text).unwrap();
    let known = settings.remote(None, None).unwrap().unwrap();
    assert_eq!((known.server.to_string().as_str(), known.jobs), ("grpc://farm.test:8980/main", 64));
    let other = settings.remote(Some("grpc://other.test:1"), None).unwrap().unwrap();
    assert_eq!((other.server.to_string().as_str(), other.jobs, &other.properties["ISA"][..]), ("grpc://other.test:1", 64, "x86-64"));
    for (given, jobs, expected) in [(None, Some(3), 3), (Some("grpc://other.test:1"), Some(1), 1), (Some("grpc://other.test:1"), None, 64)]
    {
        assert_eq!(settings.remote(given, jobs).unwrap().unwrap().jobs, expected, "{given:?} {jobs:?}");
    }
    assert_eq!(Settings::default().remote(Some("grpc://other.test:1"), None).unwrap().unwrap().jobs, USUAL_JOBS);
    assert_eq!(Settings::default().remote(None, Some(3)).unwrap(), None);
    assert!(matches!(Settings::default().remote(Some("http://other.test"), None), Err(SettingsError::Server(_))));
    for wrong in [
        "url = \"http://a.test:1\"",
        "jobs = 1",
        "url = \"grpc://a.test:1\"\njobs = 0",
        "url = \"grpc://a.test:1\"\nproperties = { a = 1 }",
    ] {
        assert_eq!(Settings::parse("cache.toml", &format!("[remote]\n{wrong}\n")).unwrap_err().len(), 1, "{wrong}");
    }
}

#[test]
fn names_of_builders_bring_no_other_builders() {
    let evil = "bob]\\nkey = \\\"x\\\"\\n[builder.alice";
    for name in [evil, "a b", "alice: key 1", "\\u001b[2K", ""] {
        let text = builder_text("NAME", &key(), None).replace("[builder.NAME]", &format!("[builder.\"{name}\"]"));
        let problems = Problems::new(Settings::parse("builder.toml", &text).unwrap_err()).to_string();
        assert!(problems.contains("may have letters"), "{name}: {problems}");
    }
}

#[test]
fn a_builder_is_removed_and_nothing_else() {
    let (first, second) = (builder_text("first", &key(), Some(CERTIFICATE)), builder_text("second", &key(), None));
    let text = format!("# mine\n{first}\n{CACHES}\n{second}");
    let left = without_builder(&text, "first").unwrap();
    assert_eq!(left, format!("# mine\n{CACHES}\n{second}"));
    assert_eq!(Settings::parse("x", &without_builder(&left, "second").unwrap()).unwrap().builders.len(), 0);
    assert_eq!(without_builder(&text, "third"), None);
}

#[test]
fn mistakes_are_told_at_their_places() {
    let text =
        "[builder.x]\nkey = \"no key\"\nmodules = \"none\"\n[[cache]]\nname = \"a\"\nurl = \"ftp://a.test\"\nagree = 0\nusee = true\n";
    let problems = Settings::parse("cache.toml", text).unwrap_err();
    let lines: Vec<usize> = problems.iter().map(|problem| problem.line_and_column().0).collect();
    assert_eq!(lines.len(), 5, "{problems:?}");
    for line in [2, 3, 6, 7, 8] {
        assert!(lines.contains(&line), "{line}: {problems:?}");
    }
}

#[test]
fn keys_may_be_indented_and_private_ones_are_not_shown() {
    let key = key();
    let text = builder_text("x", &key, Some(CERTIFICATE)).replace('\n', "\n    ");
    let settings = Settings::parse("cache.toml", &text).unwrap();
    assert_eq!((&settings.builders["x"].key, settings.builders["x"].modules.as_deref()), (&key, Some(CERTIFICATE)));
    for text in ["-----BEGIN PRIVATE KEY-----\nSECRET\n", "[builder.x]\nkey = \"-----BEGIN EC PRIVATE KEY-----\\nSECRET\"\n"] {
        let said = Problems::new(Settings::parse("cache.toml", text).unwrap_err()).to_string();
        assert!(said.contains("this is a private key") && !said.contains("SECRET"), "{said}");
    }
}

#[test]
fn addresses_that_are_none_of_a_cache_say_why() {
    for (text, expected) in [
        ("s3://bucket/kaon", "files cannot be fetched from `s3://bucket/kaon`"),
        ("http://a.test:99999", "names no host, or a port above 65535"),
        ("https://a.test/x?sig=SECRET", "`https://a.test/x` continues with `?…`"),
        ("\"http://a.test\"", "files cannot be fetched from"),
        ("~/cache", "neither the address of a cache nor the name of one"),
    ] {
        let error = Settings::default().named(text).unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains("SECRET"), "{text}: {error}");
    }
    let with_line_feed = Settings::default().chosen(&["https://a.test/x\n".to_owned()]).unwrap();
    assert_eq!(with_line_feed[0].0, "https://a.test/x");
}

#[test]
fn two_caches_of_one_name_are_a_mistake() {
    let problems = Settings::parse("cache.toml", &CACHES.replace("\"team\"", "\"public\"")).unwrap_err();
    assert_eq!(problems.iter().map(|problem| problem.line_and_column().0).collect::<Vec<_>>(), [8]);
    let text = Problems::new(problems).to_string();
    assert!(text.contains("two caches called `public`"), "{text}");
}

#[test]
fn builders_that_agree_must_be_as_many_keys() {
    let (one, other) = (key(), key());
    let text = |builders: &[(&str, &PublicKey)]| {
        let builders: Vec<String> = builders.iter().map(|(name, key)| builder_text(name, key, None)).collect();
        Settings::parse("cache.toml", &format!("{CACHES}\n{}", builders.join("\n"))).unwrap()
    };
    for (builders, expected) in [(&[] as &[_], None), (&[("a", &one), ("b", &one)], Some(1)), (&[("a", &one), ("b", &other)], None)] {
        let settings = text(builders);
        assert_eq!(settings.too_few_for(&settings.caches["public"]), expected, "{builders:?}");
    }
}

#[test]
fn passwords_of_what_is_no_address_are_not_shown() {
    for text in ["joe:SECRET@a.test/x", "http://joe:SEC RET@a.test/x", "grpc://joe:SEC RET@a.test:1"] {
        let error = Settings::default().named(text).unwrap_err().to_string();
        assert!(error.contains("***@a.test") && !error.contains("RET"), "{error}");
    }
}

#[test]
fn the_users_file_wins_and_a_missing_one_is_ignored() {
    let [project, user] = [(), ()].map(|()| tempfile::tempdir().unwrap());
    fs::write(project.path().join(FILE), CACHES).unwrap();
    let load = || Settings::load(&files(project.path(), Some(user.path()))).unwrap().chosen(&[]).unwrap();
    assert_eq!(load().len(), 1);
    fs::write(user.path().join(FILE), CACHES.replace("use = true", "use = false")).unwrap();
    assert_eq!(load(), []);
}
