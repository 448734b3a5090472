//! Which question comes when, and what its answer means.

mod account;
mod ask;
mod network;
mod partition;
#[cfg(test)]
pub(super) mod tests;

use account::account;
use ask::Ask;
use partition::partition;

use std::collections::BTreeSet;

use super::{Answer, Question};
use crate::document::nearest;
use crate::kickstart::{Kickstart, LinuxFlavor, Secret, is_hostname};
use crate::plan::{Facts, Plan, Request, plan};

/// How an interview stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There is another question.
    Goes,
    /// All is confirmed: the plan may be carried out.
    Confirmed,
}

/// What a person has said so far.
#[derive(Clone, Debug)]
struct State {
    kickstart: Kickstart,
    /// A password typed once.
    typed: Option<Secret>,
    /// Whether a VLAN carries the addresses, and which.
    vlan: Option<u16>,
}

/// A conversation. Nothing is written before it is confirmed.
#[derive(Clone, Debug)]
pub struct Interview {
    facts: Facts,
    cards: Vec<String>,
    /// The packages on the medium.
    offers: BTreeSet<String>,
    seed: [u8; 32],
    at: Ask,
    state: State,
    past: Vec<(Ask, State)>,
}

const DEVELOPER: &str = "developer";

/// Why it cannot be chosen.
const NOT_THERE: &str = "it is not on the medium";

impl Interview {
    /// Begins one, about this machine and its network cards, and the packages there are; `seed` is chance.
    pub fn new(facts: Facts, cards: Vec<String>, offers: BTreeSet<String>, seed: [u8; 32]) -> Self {
        let state = State { kickstart: Kickstart::default(), typed: None, vlan: None };
        Self { facts, cards, offers, seed, at: Ask::Licence, state, past: Vec::new() }
    }

    /// What has been said so far.
    pub fn kickstart(&self) -> &Kickstart {
        &self.state.kickstart
    }

    /// How many questions were answered.
    pub fn answered(&self) -> usize {
        self.past.len()
    }

    /// The plan as it stands.
    ///
    /// # Errors
    /// Why there is none, in a few lines.
    pub fn plan(&self) -> Result<Plan, String> {
        let request = Request { kickstart: &self.state.kickstart, lists: &[], facts: &self.facts, directory: false, seed: self.seed };
        let wrong = self.state.kickstart.complaints();
        if let Some((path, message)) = wrong.first() {
            return Err(format!("{path}: {message}"));
        }
        plan(&request).map_err(|refusals| refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }

    /// Goes back to the question before, with everything as it was; whether there was one.
    pub fn back(&mut self) -> bool {
        let Some((at, state)) = self.past.pop() else { return false };
        (self.at, self.state) = (at, state);
        true
    }

    /// Takes an answer.
    ///
    /// # Errors
    /// Why it is not accepted; the question stays.
    pub fn answer(&mut self, answer: &Answer) -> Result<Outcome, String> {
        let mut state = self.state.clone();
        let next = self.take(&mut state, answer)?;
        self.past.push((self.at, std::mem::replace(&mut self.state, state)));
        match next {
            Some(next) => {
                self.at = next;
                Ok(Outcome::Goes)
            }
            None => Ok(Outcome::Confirmed),
        }
    }

    /// The question that is asked now.
    pub fn question(&self) -> Question {
        let (title, text, help) = self.words();
        Question { title: title.to_owned(), text, help, kind: self.kind() }
    }

    /// What an answer does, and the question after it.
    fn take(&self, state: &mut State, answer: &Answer) -> Result<Option<Ask>, String> {
        let kickstart = &mut state.kickstart;
        let next = match (self.at, answer) {
            (Ask::Licence, Answer::Index(0)) => Ask::Disk,
            (Ask::Disk, Answer::Index(index)) => {
                let disk = self.facts.disks.get(*index).ok_or("there is no such disk")?;
                disk.refusal().map_or(Ok(()), Err)?;
                kickstart.disk = Some(disk.device.clone());
                Ask::Layout
            }
            (Ask::Layout, Answer::Index(index)) => {
                kickstart.partitions.clear();
                if *index == 0 { Ask::Packages } else { Ask::Partition }
            }
            (Ask::Partition, Answer::Text(text)) => partition(kickstart, text)?,
            (Ask::Packages, Answer::Index(index)) => {
                if *index == 1 && !self.offers.contains(DEVELOPER) {
                    return Err(NOT_THERE.into());
                }
                kickstart.packages = vec!["minimal".to_owned()];
                if *index == 1 {
                    kickstart.packages.push(DEVELOPER.to_owned());
                }
                if *index < 2 { Ask::Kernel } else { Ask::OtherPackages }
            }
            (Ask::OtherPackages, Answer::Text(text)) => {
                kickstart.packages = text.split_whitespace().map(str::to_owned).collect();
                if kickstart.packages.is_empty() {
                    return Err("give at least one package".into());
                }
                if let Some(unknown) = kickstart.packages.iter().find(|name| !self.offers.contains(*name)) {
                    let near = nearest(unknown, self.offers.iter().map(String::as_str));
                    let near = near.map(|name| format!("; there is `{name}`")).unwrap_or_default();
                    return Err(format!("`{unknown}` is not on the medium{near}"));
                }
                Ask::Kernel
            }
            (Ask::Kernel, Answer::Index(index)) => {
                kickstart.linux_flavor = if *index == 0 { LinuxFlavor::LinuxEsx } else { LinuxFlavor::LinuxGeneric };
                Ask::Network
            }
            (Ask::Network, Answer::Index(index)) => {
                kickstart.network = None;
                state.vlan = (*index == 2).then_some(0);
                match index {
                    0 => Ask::HostName,
                    _ if self.cards.is_empty() => return Err("this machine shows no network card".into()),
                    _ => Ask::Card,
                }
            }
            (Ask::Card | Ask::Vlan | Ask::Address | Ask::Gateway | Ask::Dns, answer) => self.network(state, answer)?,
            (Ask::HostName, Answer::Text(name)) => {
                if !is_hostname(name) {
                    return Err("letters, digits and hyphens, in parts of 63 at most".into());
                }
                kickstart.hostname = Some(name.clone());
                Ask::RootPassword
            }
            (Ask::Confirm, Answer::Text(word)) => {
                self.plan()?;
                if Some(word) != kickstart.disk.as_ref() {
                    return Err("that is not the disk's name; nothing was written".into());
                }
                return Ok(None);
            }
            (at, Answer::Text(text)) => account(at, state, text)?,
            _ => return Err("that is no answer to this question".into()),
        };
        Ok(Some(next))
    }
}
