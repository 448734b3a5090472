use std::time::Duration;

use super::*;

fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

fn load(root: &Path, overrides: &Overrides) -> Result<Config, ConfigError> {
    Config::load(root, "x86_64", overrides, |_| Some("1.0".into()))
}

const REPO: &str = "[kaon]\nname=Kaon $releasever\nbaseurl=http://a/$releasever/$basearch\n  http://b/$site\nenabled=1\n\
                    gpgkey=file:///etc/pki/a file:///etc/pki/b\npriority=10\nmetadata_expire=6h\nunheard=of\n[off]\nbaseurl=/srv/off\nenabled=0\n";

#[test]
fn files_are_laid_over_each_other() {
    let root = tree(&[
        ("usr/lib/tdnf/tdnf.conf", "[main]\nkeepcache=1\ninstallonly_limit=3\ntimeout=30\n"),
        ("usr/lib/tdnf/repos.d/kaon.repo", "[vendor]\nbaseurl=http://v/\nenabled=1\n"),
        ("usr/lib/tdnf/repos.d/other.repo", "[other]\nbaseurl=http://o/\nenabled=1\ntimeout=5\n"),
        ("etc/tdnf/tdnf.conf", "# mine\n[main]\ninstallonly_limit=5\nmaxstringlen=9\n"),
        ("etc/tdnf/tdnf.conf.d/a.conf", "[main]\nexcludepkgs=foo bar*\n"),
        ("etc/tdnf/minversions.d/a.conf", "tdnf=3.1\n"),
        ("etc/tdnf/protected.d/a.conf", "# base\nbash\n"),
        ("etc/tdnf/vars/site", "here\n"),
        ("etc/yum.repos.d/kaon.repo", REPO),
    ]);
    let config = load(root.path(), &Overrides::default()).unwrap();
    assert!(config.main.keep_cache);
    assert_eq!(config.main.install_only_limit, 5);
    assert_eq!(config.main.excludes, ["foo", "bar*"]);
    assert_eq!(config.main.min_versions, [("tdnf".to_owned(), "3.1".to_owned())]);
    assert!(config.main.protected.contains(&"bash".to_owned()));
    let ids: Vec<_> = config.repositories.iter().map(|repository| repository.id.as_str()).collect();
    assert_eq!(ids, ["kaon", "off", "other"], "a file in /etc takes the place of that in /usr");
    let kaon = &config.repositories[0];
    assert_eq!(kaon.base_urls, ["http://a/1.0/x86_64", "http://b/here"]);
    assert_eq!((kaon.name.as_str(), kaon.priority, kaon.keys.len()), ("Kaon 1.0", 10, 2));
    assert_eq!(kaon.transport.metadata_expire, Some(Duration::from_secs(21_600)));
    assert_eq!(kaon.transport.timeout, Duration::from_secs(30));
    assert_eq!(config.repositories[2].transport.timeout, Duration::from_secs(5));
    assert!(kaon.transport.gpgcheck && kaon.transport.repo_gpgcheck && kaon.transport.ssl_verify);
    let enabled: Vec<_> = config.enabled().iter().map(|repository| repository.id.clone()).collect();
    assert_eq!(enabled, ["kaon", "other"]);
    let warnings: Vec<_> = config.warnings.iter().map(|warning| (warning.place.line, warning.message.as_str())).collect();
    assert_eq!(warnings, [(4, "`maxstringlen` has no effect: the length of strings is not limited"), (9, "the key `unheard` is unknown")]);
}

#[test]
fn the_command_line_has_the_last_word() {
    let root = tree(&[("etc/yum.repos.d/kaon.repo", REPO)]);
    let with = |set: &[&str], enable: &[(bool, &str)], only: &[&str]| Overrides {
        set: set.iter().map(|text| (*text).to_owned()).collect(),
        enable: enable.iter().map(|(on, id)| (*on, (*id).to_owned())).collect(),
        only: only.iter().map(|text| (*text).to_owned()).collect(),
        added: vec![("path".into(), "/srv/repo".into())],
        release: Some("9".into()),
        ..Overrides::default()
    };
    let enabled = |overrides: &Overrides| -> Vec<String> {
        load(root.path(), overrides).unwrap().enabled().iter().map(|repository| repository.id.clone()).collect()
    };
    assert_eq!(enabled(&with(&[], &[], &[])), ["kaon", "path"]);
    assert_eq!(enabled(&with(&[], &[(false, "*"), (true, "o*")], &[])), ["off"]);
    assert_eq!(enabled(&with(&["kaon.priority=99"], &[], &["kaon", "off"])), ["off", "kaon"]);
    let config = load(root.path(), &with(&["best=1", "*.gpgcheck=0"], &[], &[])).unwrap();
    assert!(config.main.best && config.repositories.iter().all(|repository| !repository.transport.gpgcheck));
    assert_eq!(config.repositories[0].base_urls[0], "http://a/9/x86_64");
    let refused = [with(&["best"], &[], &[]), with(&["no.priority=1"], &[], &[]), with(&[], &[(true, "nope")], &[])];
    assert!(refused.iter().all(|overrides| load(root.path(), overrides).is_err()));
}

#[test]
fn errors_say_where() {
    let table = [
        ("etc/tdnf/tdnf.conf", "keepcache=1\n", "tdnf.conf:1: a key precedes the first `[section]`"),
        ("etc/tdnf/tdnf.conf", "[main]\nkeepcache=perhaps\n", "tdnf.conf:2: `keepcache`: `perhaps` is neither true nor false"),
        ("etc/tdnf/tdnf.conf", "[main]\n\ncachedir\n", "tdnf.conf:3: a line must be written as `key = value`"),
        ("etc/tdnf/tdnf.conf", "[main\n", "tdnf.conf:1: a section must be written as `[name]`"),
        ("etc/tdnf/minversions.d/x.conf", "tdnf\n", "x.conf:1: `minversions`: `tdnf` must be written as `name=version`"),
    ];
    for (path, text, expected) in table {
        let root = tree(&[(path, text)]);
        let error = load(root.path(), &Overrides::default()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn what_is_not_used_stops_nothing() {
    let good = "[good]\nbaseurl=/good\nenabled=1\n";
    let table: &[(&[u8], &str)] = &[
        (b"[good]\nbaseurl=/other\nenabled=1\n", "z.repo:1: the repository `good` is already defined at "),
        (b"[z]\nbaseurl=ftp://h/\nenabled=0\n", "z.repo:2: `baseurl`: `ftp://h/` is neither an http://"),
        (b"[z]\nbaseurl=/b\nmetadata_expire=6 hours\nenabled=0\n", "z.repo:3: `metadata_expire`: `6 hours` is not a time"),
        (b"[z]\nenabled=0\nnonsense\n", "z.repo:3: a line must be written as `key = value`"),
        (b"[../z]\nbaseurl=/b\nenabled=0\n", "z.repo:1: `../z` is not a repository name"),
        (b"stray=1\n", "z.repo:1: a key precedes the first `[section]`"),
        (b"[z]\nname=D\xe9p\xf4t\nbaseurl=/b\nenabled=0\n", "z.repo:1: the file is not UTF-8"),
    ];
    for (bytes, warning) in table {
        let root = tree(&[("etc/yum.repos.d/a.repo", good)]);
        fs::write(root.path().join("etc/yum.repos.d/z.repo"), bytes).unwrap();
        let config = load(root.path(), &Overrides::default()).unwrap();
        assert_eq!(config.enabled().iter().map(|repository| repository.base_urls[0].as_str()).collect::<Vec<_>>(), ["/good"]);
        let warnings: Vec<String> = config.warnings.iter().map(ToString::to_string).collect();
        assert!(warnings.len() == 1 && warnings[0].contains(warning), "{warnings:?}");
    }
    let root = tree(&[("etc/yum.repos.d/a.repo", "\u{feff}[bom]\r\nbaseurl=/bom\r\nenabled=1\r\n")]);
    let config = load(root.path(), &Overrides::default()).unwrap();
    assert_eq!(config.enabled()[0].base_urls, ["/bom"]);
}

#[test]
fn what_makes_no_sense_is_not_used() {
    let table = [
        ("[a]\nbaseurl=ftp://h/\n", "a.repo:2: `baseurl`: `ftp://h/` is neither an http://"),
        ("[../a]\nbaseurl=/b\n", "a.repo:1: `../a` is not a repository name"),
        ("[a]\nbaseurl=/b\nmetadata_expire=soon\n", "a.repo:3: `metadata_expire`: `soon` is not a time"),
        ("[a]\nbaseurl=/b\nnonsense\n", "a.repo:3: a line must be written as `key = value`"),
    ];
    for (text, warning) in table {
        let root = tree(&[("etc/yum.repos.d/a.repo", &format!("{text}[b]\nbaseurl=/b\n"))]);
        fs::write(root.path().join("etc/yum.repos.d/large.repo"), vec![b'#'; (1 << 20) + 1]).unwrap();
        let config = load(root.path(), &Overrides::default()).unwrap();
        assert_eq!(config.enabled().iter().map(|repository| repository.id.as_str()).collect::<Vec<_>>(), ["b"], "{text}");
        let warnings: Vec<String> = config.warnings.iter().map(ToString::to_string).collect();
        for expected in [warning, "is not used because of that", "large.repo: its repositories are not used: "] {
            assert!(warnings.iter().any(|line| line.contains(expected)), "{expected}: {warnings:?}");
        }
        let overrides = Overrides { enable: vec![(true, "*".into())], added: vec![("a".into(), "/other".into())], ..Overrides::default() };
        assert!(load(root.path(), &overrides).unwrap().enabled().len() >= 2, "an option takes the place of what the file says");
    }
}

#[test]
fn a_user_of_a_proxy_without_a_password() {
    let table = [
        ("proxy=http://p:1\nproxy_username=me\n", 1),
        ("proxy_username=me\n", 1),
        ("proxy=http://p:1\nproxy_username=me\nproxy_password=x\n", 0),
        ("proxy=_none_\nproxy_username=me\n", 0),
        ("proxy_username=me\nenabled=0\n", 0),
    ];
    for (lines, expected) in table {
        let root = tree(&[("etc/yum.repos.d/a.repo", &format!("[a]\nbaseurl=/a\n{lines}"))]);
        let warnings = load(root.path(), &Overrides::default()).unwrap().warnings;
        let of_it = warnings.iter().filter(|warning| warning.message.contains("has no `proxy_password`"));
        assert_eq!((of_it.count(), warnings.len()), (expected, expected), "{lines}");
    }
}

#[test]
fn systems_with_a_configuration_of_their_own() {
    let table = [
        ("etc/tdnf/tdnf.conf", true),
        ("usr/lib/tdnf/tdnf.conf", true),
        ("etc/yum.repos.d/a.repo", true),
        ("usr/lib/tdnf/repos.d/a.repo", true),
        ("etc/yum.repos.d/README", false),
        ("etc/hostname", false),
    ];
    for (path, expected) in table {
        assert_eq!(Config::is_in(tree(&[(path, "")]).path()), expected, "{path}");
    }
}

#[test]
fn a_repository_is_used_unless_it_says_otherwise() {
    let root = tree(&[("etc/yum.repos.d/a.repo", "[a]\nbaseurl=/a\n[b]\nbaseurl=/b\nenabled=0\n")]);
    let config = load(root.path(), &Overrides::default()).unwrap();
    assert_eq!(config.enabled().iter().map(|repository| repository.id.as_str()).collect::<Vec<_>>(), ["a"]);
}

/// As with dnf: whoever wants a repository off has what they want if there is none.
#[test]
fn repositories_that_are_not_there() {
    let root = tree(&[("etc/yum.repos.d/a.repo", "[a]\nbaseurl=/a\n")]);
    for id in ["none", "none*"] {
        let config = load(root.path(), &Overrides { enable: vec![(false, id.into())], ..Overrides::default() }).unwrap();
        let warnings: Vec<String> = config.warnings.iter().map(ToString::to_string).collect();
        assert!(warnings.len() == 1 && warnings[0].ends_with(&format!("there is no repository `{id}` to disable")), "{warnings:?}");
        assert_eq!(config.enabled().len(), 1);
        let refused = [
            Overrides { enable: vec![(true, id.into())], ..Overrides::default() },
            Overrides { only: vec![id.into()], ..Overrides::default() },
        ];
        for overrides in refused {
            let error = load(root.path(), &overrides).unwrap_err();
            assert!(matches!(&error, ConfigError::NoSuchRepository { id: named } if named == id), "{error}");
        }
    }
}
