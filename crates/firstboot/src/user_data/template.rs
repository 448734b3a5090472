//! Templates of Jinja (`## template: jinja`), and what they may ask for.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde_json::{Map, Value, json};

/// What cloud-init writes in place of a variable that is not there.
const MISSING: &str = "CI_MISSING_JINJA_PREFIX";

/// A template may do so much work.
const FUEL: u64 = 1_000_000;

/// The text of a template, and what is missing for it. The first line becomes empty, so that lines keep their numbers.
pub(super) fn render(text: &str, facts: &Value) -> Result<(String, Vec<String>), String> {
    let start = text.find("##").unwrap_or(0);
    let end = text[start..].find('\n').map_or(text.len(), |end| start + end);
    let kind = text[start..end].trim_start_matches("## template:").trim();
    if !kind.eq_ignore_ascii_case("jinja") && text[start..end].starts_with("## template:") {
        return Err(format!("templates of `{kind}` are not supported: write `## template: jinja`"));
    }
    let body = if text[start..end].starts_with("## template:") { format!("{}{}", &text[..start], &text[end..]) } else { text.to_owned() };
    let explain = |error: &minijinja::Error| {
        let line = error.line().map_or_else(String::new, |line| format!("line {line}: "));
        format!("{line}the template cannot be filled in: {}", error.kind())
    };
    match environment(UndefinedBehavior::Strict).render_str(&body, Serde(facts)) {
        Ok(text) => Ok((text, Vec::new())),
        Err(error) if error.kind() == minijinja::ErrorKind::UndefinedError => {
            let mut environment = environment(UndefinedBehavior::Chainable);
            environment.set_formatter(|out, state, value| {
                if value.is_undefined() {
                    return Ok(out.write_str(MISSING)?);
                }
                minijinja::escape_formatter(out, state, value)
            });
            let text = environment.render_str(&body, Serde(facts)).map_err(|error| explain(&error))?;
            let line = error.line().map_or_else(String::new, |line| format!("line {line}: "));
            Ok((text, vec![format!("{line}a variable of the template is not known: `{MISSING}` stands in its place")]))
        }
        Err(error) => Err(explain(&error)),
    }
}

fn environment(undefined: UndefinedBehavior) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(undefined);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    // As cloud-init fills templates in.
    if let Ok(syntax) = SyntaxConfig::builder().trim_blocks(true).keep_trailing_newline(true).build() {
        environment.set_syntax(syntax);
    }
    environment.set_fuel(Some(FUEL));
    environment
}

/// The variables: `ds.meta_data`, which is what the platform says, and `v1`, in which cloud-init has the same names for all platforms.
/// Those of `v1` are there without it, too.
pub(crate) fn facts(meta_data: Option<&Value>, platform: &str, hostname: Option<&str>, instance: &str) -> Value {
    let empty = Value::Object(Map::new());
    let meta = with_underscores(meta_data.unwrap_or(&empty));
    let word = |key: &str| meta.get(key).cloned();
    let name = word("local_hostname").or_else(|| word("hostname")).or_else(|| hostname.map(Into::into));
    let instance = word("instance_id").unwrap_or_else(|| instance.into());
    let cloud = platform.to_ascii_lowercase();
    let v1 = json!({
        "instance_id": instance,
        "cloud_name": cloud,
        "cloud_id": cloud,
        "platform": cloud,
        "subplatform": "unknown",
        "region": word("region"),
        "availability_zone": word("availability_zone"),
        "public_ssh_keys": word("public_keys").unwrap_or_else(|| json!([])),
        "distro": "kaon",
        "system_platform": "linux",
        "machine": "x86_64",
    });
    let mut v1 = v1.as_object().cloned().unwrap_or_default();
    let mut meta_data = meta.as_object().cloned().unwrap_or_default();
    // A name that nobody knows is not there: a template that asks for it is reported.
    if let Some(name) = name {
        v1.insert("local_hostname".into(), name.clone());
        meta_data.entry("hostname").or_insert(name.clone());
        meta_data.entry("local_hostname").or_insert(name);
    }
    meta_data.entry("instance_id").or_insert(v1["instance_id"].clone());
    let mut all = v1.clone();
    all.insert("ds".into(), json!({ "meta_data": meta_data }));
    all.insert("v1".into(), Value::Object(v1));
    Value::Object(all)
}

/// Names that templates can write: `local-hostname` is there as `local_hostname`, too.
fn with_underscores(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let both = map.iter().flat_map(|(key, value)| {
                let value = with_underscores(value);
                [(key.clone(), value.clone()), (key.replace('-', "_"), value)]
            });
            Value::Object(both.collect())
        }
        Value::Array(list) => list.iter().map(with_underscores).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_filled_in() {
        let meta = json!({"instance-id": "i-1", "local-hostname": "node"});
        let facts = facts(Some(&meta), "NoCloud", None, "");
        let table = [
            ("## template: jinja\n#cloud-config\na: {{ ds.meta_data.hostname }}\n", "\n#cloud-config\na: node\n", 0),
            ("## template: jinja\n{{ v1.instance_id }} {{ instance_id }} {{ v1.local_hostname }}", "\ni-1 i-1 node", 0),
            ("## template: jinja\n{% for n in [1, 2] %}{{ n }}{% endfor %}", "\n12", 0),
            ("## template: jinja\n{{ ds.meta_data.none.at_all }}!", "\nCI_MISSING_JINJA_PREFIX!", 1),
            ("## template: jinja\n{{ ds.meta_data['local-hostname'] }}", "\nnode", 0),
        ];
        for (text, expected, missing) in table {
            let (rendered, complaints) = render(text, &facts).unwrap();
            assert_eq!((rendered.as_str(), complaints.len()), (expected, missing), "{text}");
        }
        assert!(render("## template: jinja\n{{ x", &facts).unwrap_err().starts_with("line 2: "));
        assert!(render("## template: mako\nx", &facts).unwrap_err().contains("mako"));
        assert!(
            render("## template: jinja\n{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}", &facts)
                .is_err()
        );
    }
}
