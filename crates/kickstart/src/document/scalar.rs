//! What a word without quotes means.

use super::Value;

/// What a plain scalar is by YAML's core schema (YAML 1.2.2, 10.3.2), and, for whole numbers that begin with a zero, by YAML 1.1, which the
/// readers that most documents are written for go by: they are octal.
pub(super) fn value(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => number(text).unwrap_or_else(|| Value::String(text.to_owned())),
    }
}

fn number(text: &str) -> Option<Value> {
    let radix = |prefix, radix| text.strip_prefix(prefix).and_then(|digits| i64::from_str_radix(digits, radix).ok());
    let is_octal = text.len() > 1 && text.starts_with('0') && text.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    let octal = || i64::from_str_radix(text, 8).ok().filter(|_| is_octal);
    if let Some(integer) = octal().or_else(|| text.parse().ok()).or_else(|| radix("0x", 16)).or_else(|| radix("0o", 8)) {
        return Some(Value::Integer(integer));
    }
    let numeric =
        text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) && text.bytes().any(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|float: &f64| numeric && float.is_finite()).map(Value::Float)
}

/// The words of YAML 1.1 for true and false.
pub(super) fn yes_or_no(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "y" | "1" => Some(true),
        "false" | "no" | "off" | "n" | "0" => Some(false),
        _ => None,
    }
}
