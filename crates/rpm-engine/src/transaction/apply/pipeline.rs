//! Unpacking and writing at the same time: one thread unpacks a package, another writes what comes out and checks it.
//!
//! A single large package keeps two processors busy this way, and a pair of threads needs the memory of one decoder only.

use std::io::{self, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use super::error::ApplyError;
use super::plan::FilePlan;
use super::stage::Stager;
use crate::package::PackageFile;
use crate::rpmfile::{RpmFile, Unpacker};
use crate::transaction::TransactionError;
use crate::transaction::step::Event;
use crate::transaction::unpack::{self, Sink, Writing};

/// So many batches are on their way from one thread to the other at most.
const BATCHES: usize = 3;

/// A batch contains so much content. Each costs both threads a sleep and a waking, which on a virtual machine take as long as unpacking some KiB.
const BATCH_BYTES: usize = 128 << 10;

/// A batch contains so many messages at most: small files come many at a time, too.
const MESSAGES: usize = 256;

/// Messages to the thread that writes. Packages are identified by their position.
enum Message<'p> {
    /// The content of a file of a package follows.
    Begin { package: usize, path: &'p str, file: &'p PackageFile },
    /// The next bytes of the batch belong to it.
    Piece(usize),
    /// It is complete.
    End,
    /// All content of a package was sent.
    Package(usize),
    /// Nothing more comes.
    Failed(TransactionError),
}

/// Messages, and the content they speak of, one piece after the other.
struct Batch<'p> {
    messages: Vec<Message<'p>>,
    bytes: Box<[u8]>,
    used: usize,
}

impl Batch<'_> {
    fn new() -> Self {
        Self { messages: Vec::new(), bytes: vec![0; BATCH_BYTES].into(), used: 0 }
    }
}

/// The packages to unpack, the largest first, so that none is left over at the end that keeps a single pair of threads busy.
struct Queue<'p> {
    packages: &'p [&'p RpmFile],
    plan: &'p FilePlan,
    order: Vec<usize>,
    next: AtomicUsize,
}

impl Queue<'_> {
    fn next(&self) -> Option<usize> {
        self.order.get(self.next.fetch_add(1, Ordering::Relaxed)).copied()
    }
}

/// Writes the files of all packages under their temporary names, by a pair of threads for each two processors.
pub(super) fn run(stager: &Stager<'_>, packages: &[&RpmFile], plan: &FilePlan) -> Result<(), ApplyError> {
    give_back();
    let mut order: Vec<usize> = (0..packages.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(packages[*index].package.installed_size_bytes));
    let queue = Queue { packages, plan, order, next: AtomicUsize::new(0) };
    let pairs = rayon::current_num_threads().div_ceil(2).min(packages.len());
    thread::scope(|scope| {
        let pairs: Vec<_> = (0..pairs).map(|_| scope.spawn(|| pair(stager, &queue))).collect();
        let ended = pairs.into_iter().map(|pair| pair.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        ended.collect::<Vec<_>>().into_iter().collect()
    })
}

/// Gives back what planning took and let go: unpacking is when the most memory is needed at a time.
fn give_back() {
    // SAFETY: it only returns memory that nobody holds.
    #[cfg(target_env = "gnu")]
    unsafe {
        nix::libc::malloc_trim(0);
    }
}

/// Unpacks and writes until nothing is left.
fn pair(stager: &Stager<'_>, queue: &Queue<'_>) -> Result<(), ApplyError> {
    let ((to_writer, batches), (give_back, spare)) = (channel(), channel());
    for _ in 1..BATCHES {
        // The other end is in this very function.
        let _ = give_back.send(Batch::new());
    }
    thread::scope(|scope| {
        scope.spawn(move || unpack_all(queue, Pipe { to_writer, spare, batch: Batch::new(), package: 0 }));
        write_all(stager, queue, batches, give_back)
    })
}

/// Who does not listen any more has failed and says so.
fn unpack_all<'p>(queue: &Queue<'p>, mut pipe: Pipe<'p>) {
    let mut unpacker = Unpacker::default();
    while let Some(index) = queue.next() {
        pipe.package = index;
        let contents = queue.plan.incoming[index].content_names();
        let unpacked = match contents.iter().any(Option::is_some) {
            true => unpack::unpack(queue.packages[index], &contents, &mut unpacker, &mut pipe),
            false => Ok(()),
        };
        let said = match unpacked {
            Ok(()) => pipe.say(Message::Package(index)),
            Err(error) => pipe.say(Message::Failed(error)),
        };
        if said.is_err() {
            return;
        }
    }
    let _ = pipe.send();
}

/// Both ends it holds are closed when it returns, so that the other thread never waits for one that is gone.
fn write_all<'p>(
    stager: &Stager<'_>,
    queue: &Queue<'p>,
    batches: Receiver<Batch<'p>>,
    give_back: Sender<Batch<'p>>,
) -> Result<(), ApplyError> {
    let mut disk = stager.open()?;
    let mut writing: Option<(usize, &str, Writing<'_>)> = None;
    for mut batch in batches {
        let mut at = 0;
        for message in batch.messages.drain(..) {
            match message {
                Message::Begin { package, path, file } => {
                    let begun = Writing::begin(&mut disk, path, file).map_err(|source| failed(queue, package, path, source))?;
                    writing = Some((package, path, begun));
                }
                Message::Piece(length) => {
                    let bytes = &batch.bytes[at..at + length];
                    at += length;
                    if let Some((package, path, writing)) = &mut writing {
                        writing.write(bytes).map_err(|source| failed(queue, *package, path, source))?;
                    }
                    stager.settings.observer.report(Event::Unpacked { bytes: length as u64 });
                }
                Message::End => {
                    if let Some((package, path, writing)) = writing.take() {
                        let file = writing.file();
                        if !writing.end().map_err(|source| failed(queue, package, path, source))? {
                            let package = queue.packages[package].package.nevra.to_string();
                            return Err(TransactionError::WrongDigest { package, path: file.path.clone() }.into());
                        }
                    }
                }
                Message::Package(index) => {
                    stager.stages(&queue.plan.incoming[index], &queue.packages[index].files, &mut disk)?;
                }
                Message::Failed(error) => return Err(error.into()),
            }
        }
        batch.used = 0;
        // At the end nobody needs it any more.
        let _ = give_back.send(batch);
    }
    Ok(())
}

fn failed(queue: &Queue<'_>, package: usize, path: &str, source: io::Error) -> ApplyError {
    let package = queue.packages[package].package.nevra.to_string();
    TransactionError::Unpack { package, path: path.to_owned(), source }.into()
}

/// The end that unpacks.
struct Pipe<'p> {
    to_writer: Sender<Batch<'p>>,
    spare: Receiver<Batch<'p>>,
    batch: Batch<'p>,
    package: usize,
}

impl<'p> Pipe<'p> {
    /// Adds to the batch. What ends everything is sent at once.
    fn say(&mut self, message: Message<'p>) -> io::Result<()> {
        let is_last = matches!(message, Message::Failed(_));
        self.batch.messages.push(message);
        if is_last || self.batch.messages.len() >= MESSAGES { self.send() } else { Ok(()) }
    }

    /// Sends the batch and waits for an empty one.
    fn send(&mut self) -> io::Result<()> {
        let next = self.spare.recv().map_err(|_| io::ErrorKind::BrokenPipe)?;
        self.to_writer.send(std::mem::replace(&mut self.batch, next)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl<'p> Sink<'p> for Pipe<'p> {
    fn begin(&mut self, path: &'p str, file: &'p PackageFile) -> io::Result<()> {
        self.say(Message::Begin { package: self.package, path, file })
    }

    fn content(&mut self, from: &mut dyn Read) -> io::Result<()> {
        loop {
            let room = &mut self.batch.bytes[self.batch.used..];
            let length = unpack::fill(from, room)?;
            let is_full = length == room.len();
            self.batch.used += length;
            self.say(Message::Piece(length))?;
            match is_full {
                true if self.batch.used > 0 => self.send()?,
                true => {}
                false => return Ok(()),
            }
        }
    }

    fn end(&mut self) -> io::Result<bool> {
        // The other end finds out, and says so.
        self.say(Message::End).map(|()| true)
    }
}
