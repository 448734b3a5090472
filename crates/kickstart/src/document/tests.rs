use super::*;

/// The same content in all languages produces the same tree, places aside.
#[test]
fn languages_agree() {
    fn bare(node: &Node) -> String {
        match &node.value {
            Value::List(list) => format!("[{}]", list.iter().map(bare).collect::<Vec<_>>().join(",")),
            Value::Map(map) => {
                let mut parts: Vec<String> = map.iter().map(|entry| format!("{}:{}", entry.key, bare(&entry.node))).collect();
                parts.sort();
                format!("{{{}}}", parts.join(","))
            }
            other => format!("{other:?}"),
        }
    }
    let json = |text| json::parse(text).unwrap().node;
    let json = json("{\"a\": [1, -2.5, true], \"b\": {\"c\": \"x\\u00e4\\ud83d\\ude00\\n\"}, \"d\": \"1\"}");
    let yaml = yaml::parse("a: [1, -2.5, true]\nb:\n  c: \"xä😀\\n\"\nd: '1'\n").unwrap().node;
    let toml = toml::parse("a = [1, -2.5, true]\nd = '1'\n[b]\nc = \"xä😀\\n\"\n").unwrap().node;
    assert_eq!(bare(&json), bare(&yaml));
    assert_eq!(bare(&json), bare(&toml));
}

#[test]
fn broken_documents_are_told_with_their_place() {
    let table = [
        (Language::Json, "{\n  \"a\": 1,\n}", 3),
        (Language::Json, "{\"a\": tru}", 1),
        (Language::Json, "{} x", 1),
        (Language::Json, "[\"a\nb\"]", 1),
        (Language::Json, "", 1),
        (Language::Yaml, "a: [1\nb: 2\n", 2),
        (Language::Yaml, "a: *x\n", 1),
        (Language::Yaml, "? [a]\n: 1\n", 1),
        (Language::Toml, "a = 1\nb = \n", 2),
        (Language::Toml, "a = 1979-05-27\n", 1),
    ];
    for (language, text, line) in table {
        let parsed = match language {
            Language::Json => json::parse(text),
            Language::Yaml => yaml::parse(text),
            Language::Toml => toml::parse(text),
        };
        let problem = parsed.expect_err(text);
        assert_eq!(problem.place.line, line, "{text}: {problem:?}");
    }
    let deep = "[".repeat(5000);
    for language in [Language::Json, Language::Yaml, Language::Toml] {
        let text = if language == Language::Toml { format!("a = {deep}") } else { deep.clone() };
        assert!(read::<Vec<String>>("x", &text, language, |_, _| None).is_err());
    }
}

#[test]
fn keys_with_dots_are_told_from_those_they_begin_with() {
    #[derive(Debug, Default, PartialEq, serde::Deserialize)]
    #[serde(default)]
    struct Links {
        links: std::collections::BTreeMap<String, i64>,
    }
    let check = |links: &Links| {
        let wrong = links.links.iter().filter(|(_, number)| **number > 9);
        wrong.map(|(name, _)| Complaint::value(format!("links.{name}"), "too large")).collect()
    };
    let parsed = Parsed::new("x", "links:\n  eth0: 1\n  eth0.9: 10\n  eth0.8: 8\n", Language::Yaml).unwrap();
    let (document, problems) = parsed.known::<Links>(Dialect::plain(|_, _| None), check);
    assert_eq!(document.unwrap().value.links.into_keys().collect::<Vec<_>>(), ["eth0", "eth0.8"]);
    assert_eq!(problems.unwrap().to_string(), "x:3:11: links.eth0.9: too large");
}

#[test]
fn of_two_spellings_the_last_counts_and_the_earlier_one_is_told() {
    #[derive(Debug, Default, PartialEq, serde::Deserialize)]
    #[serde(default)]
    struct Card {
        #[serde(rename = "accept-ra", alias = "accept_ra", alias = "ra")]
        accept: Option<bool>,
        lock_passwd: Option<bool>,
    }
    #[derive(Debug, serde::Deserialize)]
    struct Cards {
        cards: Vec<Card>,
    }
    let dialect = || Dialect { hyphens: true, vital: |_, _| Some("the card"), ..Dialect::plain(|_, _| None) };
    let table = [
        ("{accept-ra: true, accept_ra: false}", Some(false), None, &["cards[0].accept-ra: "][..]),
        ("{accept_ra: true, accept-ra: false}", Some(false), None, &["cards[0].accept_ra: "]),
        ("{accept_ra: true, ra: true, accept-ra: false}", Some(false), None, &["cards[0].accept_ra: ", "cards[0].ra: "]),
        ("{lock-passwd: true, lock_passwd: false}", None, Some(false), &["cards[0].lock-passwd: "]),
        // A key without a value says nothing.
        ("{lock_passwd: true, lock-passwd: }", None, Some(true), &[]),
    ];
    for (card, accept, lock_passwd, told) in table {
        let parsed = Parsed::new("x", &format!("cards: [{card}]"), Language::Yaml).unwrap();
        let (document, problems) = parsed.known::<Cards>(dialect(), |_| Vec::new());
        assert_eq!(document.unwrap().value.cards, [Card { accept, lock_passwd }], "{card}");
        let problems = problems.map(|problems| problems.problems).unwrap_or_default();
        assert_eq!(problems.len(), told.len(), "{card}: {problems:?}");
        for (problem, path) in problems.iter().zip(told) {
            assert_eq!(problem.line("x").split_once(path).map(|(_, message)| message), Some(SET_TWICE), "{card}: {problem:?}");
        }
    }
}

#[test]
fn keys_are_found_however_they_are_spelt() {
    let node = yaml::parse("a-b: {c.d: [1, 2]}\na_b: 3\nx-y: {z: 4}\n").unwrap().node;
    let table = [
        ("a-b.c.d[1]", "a-b.c.d[1]", "a-b.c.d[1]"),
        ("a_b", "a_b", "a_b"),
        ("x_y.z", "x-y.z", "x-y.z"),
        ("x_y.w", "x-y", "x-y.w"),
        ("none", "", "none"),
        ("a-b.c.d", "a-b.c.d", "a-b.c.d"),
        ("a_b[0]", "a_b", "a_b"),
    ];
    for (path, nearest, spelt) in table {
        assert_eq!((node.nearest(path).0.as_str(), node.spelt(path).0.as_str()), (nearest, spelt), "{path}");
    }
}

#[test]
fn complaints_leave_out_nothing_a_value_or_what_it_is_in() {
    let parsed = || Parsed::new("x", "a: [[1, 2], [3]]\n", Language::Yaml).unwrap();
    type Lists = std::collections::BTreeMap<String, Vec<Vec<i64>>>;
    let read = |complaint: Complaint| {
        let check = move |lists: &Lists| if lists["a"][0].contains(&2) { vec![complaint.clone()] } else { Vec::new() };
        let (document, problems) = parsed().known::<Lists>(Dialect::plain(|_, _| None), check);
        (document.unwrap().value["a"].clone(), problems.unwrap().to_string())
    };
    assert_eq!(read(Complaint::note("a[0][1]", "odd")), (vec![vec![1, 2], vec![3]], "x:1:9: a[0][1]: odd".to_owned()));
    assert_eq!(read(Complaint::value("a[0][1]", "odd")), (vec![vec![1], vec![3]], "x:1:9: a[0][1]: odd".to_owned()));
}

#[test]
fn references_do_not_grow_out_of_bounds() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let before = format!("*a{}", level - 1);
        text.push_str(&format!("a{level}: &a{level} [{}]\n", vec![before; 9].join(", ")));
    }
    assert!(Parsed::new("x", &text, Language::Yaml).unwrap_err().to_string().contains("too large"));
    let merged = yaml::parse("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\n").unwrap().node;
    assert_eq!(merged.to_json()["b"], serde_json::json!({"x": 1, "y": 3}));
}
