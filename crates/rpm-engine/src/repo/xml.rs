//! Walking an XML document, element by element.

use std::io::BufRead;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::RepoError;

/// Deeper nesting than any metadata has is refused.
const DEEPEST: usize = 16;

/// An element: its name without prefix, its attributes, and the text within it so far.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    pub(super) text: String,
}

impl Element {
    /// The value of an attribute.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Calls `visit` as each element ends, with the elements around it, outermost first, itself last. The outermost one must be a `root`, and
/// the only one.
pub(super) fn walk(
    document: &str,
    root: &str,
    xml: impl BufRead,
    mut visit: impl FnMut(&[Element]) -> Result<(), RepoError>,
) -> Result<(), RepoError> {
    let malformed = |line: usize, reason: String| RepoError::Xml { document: document.to_owned(), line, package: None, reason };
    let mut reader = Reader::from_reader(xml);
    let mut token = Vec::new();
    let mut stack: Vec<Element> = Vec::new();
    let mut is_begun = false;
    let mut begin = |stack: &[Element]| match stack {
        [outermost] if is_begun || outermost.name != root => Err(format!("it is not a `{root}` document")),
        [_] => {
            is_begun = true;
            Ok(())
        }
        _ if stack.len() > DEEPEST => Err("its elements are nested too deeply".to_owned()),
        _ => Ok(()),
    };
    let mut is_ended = false;
    // Where the token begins that is read.
    let mut line = 1;
    loop {
        line += token.iter().filter(|byte| **byte == b'\n').count();
        token.clear();
        let here = |reason: String| malformed(line, reason);
        match reader.read_event_into(&mut token).map_err(|error| here(error.to_string()))? {
            Event::Start(start) => {
                stack.push(element(&start).map_err(here)?);
                begin(&stack).map_err(here)?;
            }
            Event::Empty(start) => {
                stack.push(element(&start).map_err(here)?);
                begin(&stack).map_err(here)?;
                visit(&stack)?;
                stack.pop();
                is_ended |= stack.is_empty();
            }
            // The reader itself checks that the names of start and end agree.
            Event::End(_) => {
                visit(&stack)?;
                stack.pop();
                is_ended |= stack.is_empty();
            }
            Event::Text(text) => append(&mut stack, &text.xml10_content()),
            Event::CData(text) => append(&mut stack, &text.xml10_content()),
            Event::GeneralRef(reference) => {
                let name = reference.xml10_content();
                let character = reference.resolve_char_ref().map_err(|error| here(error.to_string()))?;
                let text = match character {
                    Some(character) => character.to_string(),
                    None => predefined(&name).ok_or_else(|| here(format!("`&{name};` is unknown")))?.to_owned(),
                };
                append(&mut stack, &text);
            }
            Event::Eof if is_ended && stack.is_empty() => return Ok(()),
            Event::Eof => return Err(here("it ends early".into())),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

/// The number an element's text or attribute is; 0 if there is none.
pub(super) fn number(document: &str, text: Option<&str>) -> Result<u64, RepoError> {
    let text = text.map(str::trim).unwrap_or_default();
    // Some writers give fractions of a second.
    let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
    let wrong = || RepoError::Malformed { document: document.to_owned(), reason: format!("`{text}` is not a number") };
    if text.is_empty() { Ok(0) } else { whole.parse().map_err(|_| wrong()) }
}

fn append(stack: &mut [Element], text: &str) {
    if let Some(element) = stack.last_mut() {
        element.text.push_str(text);
    }
}

fn element(start: &BytesStart<'_>) -> Result<Element, String> {
    let mut element = Element { name: start.local_name().as_ref().to_owned(), ..Element::default() };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| error.to_string())?;
        element.attributes.push((attribute.key.local_name().as_ref().to_owned(), value.into_owned()));
    }
    Ok(element)
}

/// The entities every XML document has (XML 1.0, section 4.6).
fn predefined(name: &str) -> Option<&'static str> {
    Some(match name {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        _ => return None,
    })
}
