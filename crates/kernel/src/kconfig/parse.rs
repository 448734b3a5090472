//! Kconfig files to options.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::expression::Expression;
use super::scan::{Token, Words, lines, tokens};
use super::{Choice, Definition, Kconfig, Kind};
use crate::symbol::Symbol;
use base::diagnostic::{ExitCode, Failure};

/// Why a kernel's options cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum KconfigError {
    /// An included file does not exist.
    #[error("`{file}`, which `{from}:{line}` includes, is not in the kernel's tree")]
    Missing {
        /// The file.
        file: String,
        /// Who includes it.
        from: String,
        /// The line.
        line: usize,
    },
    /// A line is not valid Kconfig, or uses unsupported syntax.
    #[error("cannot read `{file}:{line}`: `{text}`")]
    Syntax {
        /// The file.
        file: String,
        /// The line.
        line: usize,
        /// Its text.
        text: String,
    },
    /// Files include each other.
    #[error("`{file}` includes itself")]
    Recursive {
        /// The file.
        file: String,
    },
}

impl Failure for KconfigError {
    fn hint(&self) -> Option<String> {
        Some("the kernel's own Kconfig is authoritative: `cargo xtask build linux` shows its result".into())
    }

    fn exit(&self) -> ExitCode {
        ExitCode::Failed
    }
}

/// Reads the options of an x86 kernel. `files` maps paths relative to the kernel's tree to texts.
///
/// # Errors
/// When a file is missing or cannot be understood.
pub fn parse(files: &BTreeMap<String, String>) -> Result<Kconfig, KconfigError> {
    let mut parser = Parser { files, kconfig: Kconfig::default(), blocks: vec![Block::default()], open: Vec::new() };
    parser.file("Kconfig", ("", 0))?;
    Ok(parser.kconfig)
}

/// What surrounds a definition.
#[derive(Clone)]
struct Block {
    depends: Arc<Expression>,
    visible: Arc<Expression>,
    choice: Option<usize>,
}

impl Default for Block {
    fn default() -> Self {
        Self { depends: Expression::yes(), visible: Expression::yes(), choice: None }
    }
}

/// The entry that the following lines belong to.
enum Entry {
    Nothing,
    Config(Box<Config>),
    Menu,
    Choice,
}

struct Config {
    symbol: Symbol,
    line: usize,
    kind: Option<Kind>,
    prompt: Option<(String, Arc<Expression>)>,
    depends: Arc<Expression>,
    defaults: Vec<(Arc<Expression>, Arc<Expression>)>,
    ranges: Vec<(super::Operand, super::Operand, Arc<Expression>)>,
    selects: Vec<(bool, Symbol, Arc<Expression>)>,
}

struct Parser<'a> {
    files: &'a BTreeMap<String, String>,
    kconfig: Kconfig,
    blocks: Vec<Block>,
    open: Vec<String>,
}

impl Parser<'_> {
    fn file(&mut self, path: &str, from: (&str, usize)) -> Result<(), KconfigError> {
        let Some(text) = self.files.get(path) else {
            return Err(KconfigError::Missing { file: path.into(), from: from.0.into(), line: from.1 });
        };
        if self.open.iter().any(|open| open == path) {
            return Err(KconfigError::Recursive { file: path.into() });
        }
        self.open.push(path.to_owned());
        let name: Arc<str> = path.into();
        let mut entry = Entry::Nothing;
        for line in lines(&text.replace("$(SRCARCH)", "x86").replace("$(ARCH)", "x86").replace("$(SUBARCH)", "x86")) {
            let words = tokens(&line.text);
            let Some(Token::Word(keyword)) = words.first() else {
                // A macro on its own line: `$(error-if,…)`.
                continue;
            };
            if matches!(words.get(1), Some(Token::Compare(_))) {
                // A macro's definition: `comma := ,`.
                continue;
            }
            let syntax = || KconfigError::Syntax { file: path.into(), line: line.number, text: line.text.clone() };
            let mut rest = Words::new(&words[1..]);
            match &**keyword {
                "source" => {
                    self.close(&mut entry, &name);
                    let Some(Token::Text(included)) = rest.take() else { return Err(syntax()) };
                    self.file(included, (path, line.number))?;
                }
                "mainmenu" | "comment" | "endif" | "endmenu" | "endchoice" | "if" | "menu" | "choice" | "config" | "menuconfig" => {
                    self.close(&mut entry, &name);
                    entry = self.begin(keyword, &mut rest, line.number).ok_or_else(syntax)?;
                }
                _ => self.attribute(&mut entry, keyword, &mut rest).ok_or_else(syntax)?,
            }
        }
        self.close(&mut entry, &name);
        self.open.pop();
        Ok(())
    }

    fn top(&self) -> Block {
        self.blocks.last().cloned().unwrap_or_default()
    }

    fn begin(&mut self, keyword: &str, rest: &mut Words<'_>, line: usize) -> Option<Entry> {
        let top = self.top();
        match keyword {
            "if" => {
                let depends = Expression::and(&top.depends, &rest.expression()?);
                self.blocks.push(Block { depends, ..top });
                Some(Entry::Nothing)
            }
            "menu" => {
                self.blocks.push(top);
                Some(Entry::Menu)
            }
            "choice" => {
                self.kconfig.choices.push(Choice::default());
                self.blocks.push(Block { choice: Some(self.kconfig.choices.len() - 1), ..top });
                Some(Entry::Choice)
            }
            "endif" | "endmenu" | "endchoice" => {
                (self.blocks.len() > 1).then(|| self.blocks.pop())?;
                Some(Entry::Nothing)
            }
            "config" | "menuconfig" => {
                let Some(Token::Word(name)) = rest.take() else { return None };
                Some(Entry::Config(Box::new(Config {
                    symbol: name.parse().ok()?,
                    line,
                    kind: None,
                    prompt: None,
                    depends: Expression::yes(),
                    defaults: Vec::new(),
                    ranges: Vec::new(),
                    selects: Vec::new(),
                })))
            }
            _ => Some(Entry::Nothing),
        }
    }

    fn attribute(&mut self, entry: &mut Entry, keyword: &str, rest: &mut Words<'_>) -> Option<()> {
        match entry {
            Entry::Config(config) => config.attribute(keyword, rest),
            Entry::Menu | Entry::Choice => {
                let block = self.blocks.last_mut()?;
                match keyword {
                    "depends" => {
                        rest.take()?;
                        block.depends = Expression::and(&block.depends, &rest.expression()?);
                    }
                    "visible" => {
                        rest.take()?;
                        block.visible = Expression::and(&block.visible, &rest.expression()?);
                    }
                    "default" => {
                        let Some(Token::Word(name)) = rest.take() else { return None };
                        let choice = self.kconfig.choices.get_mut(block.choice?)?;
                        choice.defaults.push((name.parse().ok()?, rest.condition()?));
                    }
                    _ => {}
                }
                Some(())
            }
            // `depends on` of a comment.
            Entry::Nothing => Some(()),
        }
    }

    /// Adds the definition that ends here, with everything that its enclosing blocks add.
    fn close(&mut self, entry: &mut Entry, file: &Arc<str>) {
        let Entry::Config(config) = std::mem::replace(entry, Entry::Nothing) else { return };
        let block = self.top();
        let depends = Expression::and(&block.depends, &config.depends);
        let within = |condition: &Arc<Expression>| Expression::and(&depends, condition);
        for (strong, target, condition) in &config.selects {
            let target = self.kconfig.symbols.entry(target.clone()).or_default();
            let list = if *strong { &mut target.selected_by } else { &mut target.implied_by };
            list.push((config.symbol.clone(), within(condition)));
        }
        if let Some(choice) = block.choice.and_then(|at| self.kconfig.choices.get_mut(at)) {
            choice.members.push(config.symbol.clone());
        }
        let option = self.kconfig.symbols.entry(config.symbol).or_default();
        option.kind = option.kind.or(config.kind);
        option.choice = option.choice.or(block.choice);
        option.definitions.push(Definition {
            file: Arc::clone(file),
            line: config.line,
            prompt: config.prompt.map(|(text, condition)| (text, Expression::and(&within(&condition), &block.visible))),
            defaults: config.defaults.iter().map(|(value, condition)| (Arc::clone(value), within(condition))).collect(),
            ranges: config.ranges.into_iter().map(|(low, high, condition)| (low, high, within(&condition))).collect(),
            depends,
        });
    }
}

impl Config {
    fn attribute(&mut self, keyword: &str, rest: &mut Words<'_>) -> Option<()> {
        let kind = match keyword.strip_prefix("def_").unwrap_or(keyword) {
            "bool" => Some(Kind::Bool),
            "tristate" => Some(Kind::Tristate),
            "string" => Some(Kind::String),
            "int" => Some(Kind::Int),
            "hex" => Some(Kind::Hex),
            _ => None,
        };
        if kind.is_some() {
            self.kind = kind;
            if keyword.starts_with("def_") {
                self.defaults.push((rest.expression()?, rest.condition()?));
            } else if let Some(Token::Text(text)) = rest.take() {
                self.prompt = Some((text.clone(), rest.condition()?));
            }
            return Some(());
        }
        match keyword {
            "prompt" => {
                let Some(Token::Text(text)) = rest.take() else { return None };
                self.prompt = Some((text.clone(), rest.condition()?));
            }
            "default" => self.defaults.push((rest.expression()?, rest.condition()?)),
            "depends" => {
                rest.take()?;
                self.depends = Expression::and(&self.depends, &rest.expression()?);
            }
            "select" | "imply" => {
                let Some(Token::Word(name)) = rest.take() else { return None };
                self.selects.push((keyword == "select", name.parse().ok()?, rest.condition()?));
            }
            "range" => self.ranges.push((rest.operand()?, rest.operand()?, rest.condition()?)),
            "modules" | "option" | "optional" => {}
            _ => return None,
        }
        Some(())
    }
}
