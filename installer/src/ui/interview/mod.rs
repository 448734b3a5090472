//! Which question comes when, and what its answer means.

mod account;
mod ask;
mod network;
mod packages;
mod partition;
#[cfg(test)]
pub(super) mod tests;
mod trust;
mod words;

use std::collections::BTreeMap;

use ask::Ask;
use packages::DEVELOPER;

use super::{Answer, Kind, Question};
use crate::plan::{Facts, Offered, Plan, Request, plan};
use kickstart::{Finish, Kickstart, LinuxFlavor, Secret};

/// How an interview stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There is another question.
    Goes,
    /// All is confirmed: the plan may be carried out.
    Confirmed,
}

/// What an interview is about.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The machine.
    pub facts: Facts,
    /// What is on the medium.
    pub offers: Offered,
    /// Reads a text file of this system.
    pub read: fn(&str) -> Result<String, String>,
    /// Chance, for identities.
    pub seed: [u8; 32],
}

/// What a person has said so far.
#[derive(Clone, Debug)]
struct State {
    kickstart: Kickstart,
    /// A password typed once.
    typed: Option<Secret>,
    /// What the network's card gets.
    method: Method,
}

/// How a card gets its addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Dhcp,
    Fixed,
    DhcpOnVlan,
    FixedOnVlan,
}

/// An answer that stands in for the default when its question comes again.
#[derive(Clone, Debug)]
enum Given {
    Index(usize),
    Text(String),
    Secret(Secret),
    /// For a list: what had been said when it was last changed.
    List(Box<Kickstart>),
}

/// A conversation. Nothing is written before it is confirmed.
#[derive(Clone, Debug)]
pub struct Interview {
    about: Surroundings,
    at: Ask,
    state: State,
    past: Vec<(Ask, State)>,
    given: BTreeMap<Ask, Given>,
}

const NO_ANSWER: &str = "not a valid answer to this question";

impl Interview {
    /// Begins one.
    pub fn new(about: Surroundings) -> Self {
        let state = State { kickstart: Kickstart::default(), typed: None, method: Method::Dhcp };
        Self { about, at: Ask::Licence, state, past: Vec::new(), given: BTreeMap::new() }
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
        if let Some((path, message)) = self.state.kickstart.complaints().first() {
            return Err(format!("{path}: {message}"));
        }
        self.plan_of(&self.state.kickstart)
    }

    /// The plan of what may not be all yet: whether it fits on the disk.
    fn plan_of(&self, kickstart: &Kickstart) -> Result<Plan, String> {
        let request = Request {
            kickstart,
            lists: &[],
            facts: &self.about.facts,
            directory: false,
            // Each answer is compared with what the medium has when it is given.
            offered: None,
            prepared: false,
            seed: self.about.seed,
        };
        plan(&request).map_err(|refusals| refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }

    /// Goes back to the question before, with everything as it was; whether there was one. What was answered stays as the default.
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
        self.keep(answer, &state.kickstart);
        if next == Some(self.at) {
            self.state = state;
            return Ok(Outcome::Goes);
        }
        self.past.push((self.at, std::mem::replace(&mut self.state, state)));
        let Some(next) = next else { return Ok(Outcome::Confirmed) };
        self.at = next;
        self.fill();
        Ok(Outcome::Goes)
    }

    /// The question that is asked now.
    pub fn question(&self) -> Question {
        let (title, text, help) = self.words();
        let mut kind = self.kind();
        match (&mut kind, self.given.get(&self.at)) {
            (Kind::Choose { default, .. }, Some(Given::Index(index))) => *default = *index,
            (Kind::Text { default }, Some(Given::Text(text))) => default.clone_from(text),
            (Kind::Pick { default, .. }, Some(Given::Text(text))) => *default = text.split_whitespace().map(str::to_owned).collect(),
            (Kind::Secret { default }, Some(Given::Secret(text))) => default.clone_from(text),
            _ => {}
        }
        Question { section: self.at.section(), title, text, help, kind }
    }

    /// Remembers an answer that was accepted.
    fn keep(&mut self, answer: &Answer, kickstart: &Kickstart) {
        let given = match (self.kind(), answer) {
            (Kind::Confirm { .. }, _) => return,
            (Kind::List { .. }, _) => Given::List(Box::new(kickstart.clone())),
            (Kind::Secret { .. }, Answer::Text(text)) => {
                let secret = Secret::new(text);
                if !matches!(self.given.get(&self.at), Some(Given::Secret(old)) if *old == secret) {
                    self.at.again().map(|again| self.given.remove(&again));
                }
                Given::Secret(secret)
            }
            (_, Answer::Index(index)) => Given::Index(*index),
            (_, Answer::Text(text)) => Given::Text(text.clone()),
            (_, Answer::Remove(_)) => return,
        };
        self.given.insert(self.at, given);
    }

    /// A list whose question comes again contains what it held. Whether that still fits is seen when it ends.
    fn fill(&mut self) {
        let Some(Given::List(before)) = self.given.get(&self.at) else { return };
        let (now, mut before) = (&mut self.state.kickstart, before.as_ref().clone());
        match self.at {
            Ask::Partitions => now.partitions = before.partitions,
            Ask::Certificates => now.ca_certificates = before.ca_certificates,
            Ask::Routes => network::keep_routes(now, &mut before),
            Ask::UserKeys => {
                for (user, before) in now.users.iter_mut().zip(before.users) {
                    user.ssh_keys = before.ssh_keys;
                }
            }
            _ => {}
        }
    }

    /// What an answer does, and the question after it; the same for entries of a list.
    fn take(&self, state: &mut State, answer: &Answer) -> Result<Option<Ask>, String> {
        let kickstart = &mut state.kickstart;
        Ok(Some(match (self.at, answer) {
            (Ask::Licence, Answer::Index(0)) => Ask::Disk,
            (Ask::Disk, Answer::Index(index)) => {
                let disk = self.about.facts.disks.get(*index).ok_or("there is no such disk")?;
                disk.refusal().map_or(Ok(()), Err)?;
                kickstart.disk = Some(disk.device.clone());
                Ask::Layout
            }
            (Ask::Layout, Answer::Index(0)) => self.plan_of(kickstart).map(|_| Ask::Packages)?,
            (Ask::Layout, Answer::Index(1)) => Ask::Partitions,
            (Ask::Partitions, answer) => self.partition(kickstart, answer)?,
            (Ask::Packages, Answer::Index(index)) => self.package_set(kickstart, *index)?,
            (Ask::OtherPackages, Answer::Text(text)) => self.packages(kickstart, text)?,
            (Ask::Kernel, Answer::Index(index)) => {
                kickstart.linux_flavor = *KERNELS.get(*index).ok_or(NO_ANSWER)?;
                self.missing(kickstart.linux_flavor.package()).map_or(Ok(()), Err)?;
                Ask::Network
            }
            (at, answer) if at.is_about_network() => self.network(state, answer)?,
            (Ask::HostName, Answer::Text(name)) => {
                kickstart.hostname = Some(name.clone());
                accepted(kickstart, "hostname")?;
                Ask::RootPassword
            }
            (Ask::Certificates, answer) => self.certificate(kickstart, answer)?,
            (Ask::End, Answer::Index(index)) => {
                kickstart.finish = *ENDS.get(*index).ok_or(NO_ANSWER)?;
                Ask::Confirm
            }
            (Ask::Confirm, Answer::Text(word)) => {
                self.plan()?;
                if Some(word) != kickstart.disk.as_ref() {
                    return Err("that is not the disk's name; nothing was written".into());
                }
                return Ok(None);
            }
            (_, answer) => self.account(state, answer)?,
        }))
    }

    /// Why a package cannot be installed, if it is not on the medium.
    fn missing(&self, package: &str) -> Option<String> {
        (!self.about.offers.names.contains(package)).then(|| format!("`{package}` is not on the medium"))
    }
}

/// The kernels, in the order they are offered.
const KERNELS: [LinuxFlavor; 4] = LinuxFlavor::KERNELS;

/// What may happen at the end, in the order it is offered.
const ENDS: [Finish; 3] = [Finish::Reboot, Finish::Poweroff, Finish::Stay];

/// Whether a kickstart file that says the same would be accepted, as far as keys that begin like this go.
fn accepted(kickstart: &Kickstart, prefix: &str) -> Result<(), String> {
    let wrong = kickstart.complaints().into_iter().find(|(path, _)| path.starts_with(prefix));
    wrong.map_or(Ok(()), |(_, message)| Err(message))
}

/// What a line of a list does: adds an entry, takes one out, or ends the list.
enum Entry<'a> {
    Add(&'a str),
    Removed,
    End,
}

/// Reads an answer about a list.
fn entry<'a, T>(list: &mut Vec<T>, answer: &'a Answer) -> Result<Entry<'a>, String> {
    match answer {
        Answer::Text(text) if text.trim().is_empty() => Ok(Entry::End),
        Answer::Text(text) => Ok(Entry::Add(text.trim())),
        Answer::Remove(index) if *index < list.len() => {
            list.remove(*index);
            Ok(Entry::Removed)
        }
        Answer::Remove(_) => Err("there is no such entry".into()),
        Answer::Index(_) => Err(NO_ANSWER.into()),
    }
}
