//! Templates of Jinja (`## template: jinja`), and what they may ask for.

use std::sync::{Arc, Mutex, PoisonError};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Enumerator, Object, Serde};
use minijinja::{Environment, UndefinedBehavior};
use serde_json::{Map, Value, json};

/// What cloud-init writes in place of a variable that is not there, with the variable's name behind it.
const MISSING: &str = "CI_MISSING_JINJA_VAR/";

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
    let absent = Absent::default();
    let facts = known(facts, &absent);
    match environment(UndefinedBehavior::Strict).render_str(&body, facts.clone()) {
        Ok(text) => Ok((text, Vec::new())),
        Err(error) if error.kind() == minijinja::ErrorKind::UndefinedError => {
            let first = absent.take();
            let (text, others) = with_placeholders(&body, facts, &absent).map_err(|error| explain(&error, &body))?;
            let tell = |name: &String| format!("the variable `{name}` is not known: `{MISSING}{name}` stands in its place");
            let of_first = first.iter().map(|name| format!("{}{}", line(&error), tell(name)));
            Ok((text, of_first.chain(others.iter().filter(|name| first.as_ref() != Some(*name)).map(tell)).collect()))
        }
        Err(error) => Err(explain(&error, &body)),
    }
}

/// Fills in a template in which variables are not known; their names besides.
fn with_placeholders(body: &str, facts: minijinja::Value, absent: &Absent) -> Result<(String, Vec<String>), minijinja::Error> {
    let names = Arc::new(Mutex::new(Vec::new()));
    let mut environment = environment(UndefinedBehavior::Chainable);
    let (absent, all) = (absent.clone(), Arc::clone(&names));
    environment.set_formatter(move |out, state, value| {
        if !value.is_undefined() {
            return minijinja::escape_formatter(out, state, value);
        }
        let name = absent.take().unwrap_or_default();
        write!(out, "{MISSING}{name}")?;
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.contains(&name) {
            all.push(name);
        }
        Ok(())
    });
    let text = environment.render_str(body, facts)?;
    let names = std::mem::take(&mut *names.lock().unwrap_or_else(PoisonError::into_inner));
    Ok((text, names))
}

fn line(error: &minijinja::Error) -> String {
    error.line().map_or_else(String::new, |line| format!("line {line}: "))
}

fn explain(error: &minijinja::Error, body: &str) -> String {
    let written = error.line().and_then(|line| body.lines().nth(line.saturating_sub(1))).unwrap_or_default();
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '-');
    let mut words = written.split(|letter| !is_part(letter));
    let is_name = |word: &&str| word.trim_matches('-').contains('-') && word.starts_with(|first: char| first.is_ascii_alphabetic());
    let meant = words.find(is_name).filter(|_| error.kind() == minijinja::ErrorKind::InvalidOperation);
    let hint = meant.map(|word| format!(": `-` subtracts: perhaps you meant `{}`", word.replace('-', "_"))).unwrap_or_default();
    format!("{}the template cannot be filled in: {}{hint}", line(error), error.kind())
}

/// The name that was asked for last and is not there.
#[derive(Clone, Debug, Default)]
struct Absent(Arc<Mutex<Option<String>>>);

impl Absent {
    fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A table of facts that keeps in mind what it does not have: minijinja does not say which variable is undefined.
#[derive(Debug)]
struct Table {
    facts: Map<String, Value>,
    absent: Absent,
}

impl Object for Table {
    fn get_value(self: &Arc<Self>, key: &minijinja::Value) -> Option<minijinja::Value> {
        let name = key.as_str()?;
        let found = self.facts.get(name).map(|value| known(value, &self.absent));
        if found.is_none() {
            *self.absent.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(name.to_owned());
        }
        found
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.facts.keys().map(minijinja::Value::from).collect())
    }
}

fn known(value: &Value, absent: &Absent) -> minijinja::Value {
    match value {
        Value::Object(facts) => minijinja::Value::from_object(Table { facts: facts.clone(), absent: absent.clone() }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => minijinja::Value::from(Serde(value)),
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
    let instance = word("instance_id").or_else(|| word("uuid")).unwrap_or_else(|| instance.into());
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
            ("## template: jinja\n{{ ds.meta_data.none.at_all }}!", "\nCI_MISSING_JINJA_VAR/none!", 1),
            ("## template: jinja\n{{ ds.meta_data['local-hostname'] }}", "\nnode", 0),
        ];
        for (text, expected, missing) in table {
            let (rendered, complaints) = render(text, &facts).unwrap();
            assert_eq!((rendered.as_str(), complaints.len()), (expected, missing), "{text}");
        }
        let told = render("## template: jinja\n\n{{ v1.a }} {{ b }} {{ b }}", &facts).unwrap().1;
        let expected = ["line 3: the variable `a` is not known: ", "the variable `b` is not known: "];
        assert!(told.len() == 2 && told.iter().zip(expected).all(|(line, start)| line.starts_with(start)), "{told:?}");
        let told = render("## template: jinja\n{{ ds.meta_data.local-hostname }}", &facts).unwrap_err();
        assert!(told.starts_with("line 2: ") && told.ends_with("perhaps you meant `ds.meta_data.local_hostname`"), "{told}");
        assert!(render("## template: jinja\n{{ x", &facts).unwrap_err().starts_with("line 2: "));
        assert!(render("## template: mako\nx", &facts).unwrap_err().contains("mako"));
        assert!(
            render("## template: jinja\n{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}", &facts)
                .is_err()
        );
    }
}
