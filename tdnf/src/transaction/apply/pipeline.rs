//! Unpacking and writing at the same time: one thread unpacks a package, another writes what comes out and checks it.
//!
//! A single large package keeps two processors busy this way, and a pair of threads needs the memory of one decoder only.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use super::error::ApplyError;
use super::plan::FilePlan;
use super::stage::Workshop;
use crate::package::PackageFile;
use crate::rpmfile::{RpmFile, Unpacker};
use crate::transaction::TransactionError;
use crate::transaction::step::Event;
use crate::transaction::unpack::{self, PIECE_BYTES, Sink, Writing};

/// So many pieces are on their way from one thread to the other at most.
const PIECES: usize = 4;

/// What is sent to the thread that writes. Packages are given by their place.
enum Message<'p> {
    /// The content of a file of a package follows.
    Begin { package: usize, path: &'p str, file: &'p PackageFile },
    /// Some of it.
    Piece { bytes: Box<[u8]>, length: usize },
    /// It is complete.
    End,
    /// All content of a package was sent.
    Package(usize),
    /// Nothing more comes.
    Failed(TransactionError),
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
pub(super) fn run(workshop: &Workshop<'_>, packages: &[&RpmFile], plan: &FilePlan) -> Result<(), ApplyError> {
    give_back();
    let mut order: Vec<usize> = (0..packages.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(packages[*index].package.installed_size_bytes));
    let queue = Queue { packages, plan, order, next: AtomicUsize::new(0) };
    let pairs = rayon::current_num_threads().div_ceil(2).min(packages.len());
    thread::scope(|scope| {
        let pairs: Vec<_> = (0..pairs).map(|_| scope.spawn(|| pair(workshop, &queue))).collect();
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
fn pair(workshop: &Workshop<'_>, queue: &Queue<'_>) -> Result<(), ApplyError> {
    let ((to_writer, messages), (give_back, spare)) = (channel(), channel());
    for _ in 0..PIECES {
        // The other end is in this very function.
        let _ = give_back.send(vec![0; PIECE_BYTES].into());
    }
    thread::scope(|scope| {
        scope.spawn(move || unpack_all(queue, Pipe { to_writer, spare, package: 0 }));
        write_all(workshop, queue, messages, give_back)
    })
}

fn unpack_all<'p>(queue: &Queue<'p>, mut pipe: Pipe<'p>) {
    let mut unpacker = Unpacker::default();
    while let Some(index) = queue.next() {
        pipe.package = index;
        let contents = &queue.plan.incoming[index].contents;
        let unpacked = match contents.iter().any(Option::is_some) {
            true => unpack::unpack(queue.packages[index], contents, &mut unpacker, &mut pipe),
            false => Ok(()),
        };
        // Who does not listen any more has failed and says so.
        let said = match unpacked {
            Ok(()) => pipe.to_writer.send(Message::Package(index)),
            Err(error) => pipe.to_writer.send(Message::Failed(error)),
        };
        if said.is_err() {
            return;
        }
    }
}

/// Both ends it holds are closed when it returns, so that the other thread never waits for one that is gone.
fn write_all(
    workshop: &Workshop<'_>,
    queue: &Queue<'_>,
    messages: Receiver<Message<'_>>,
    give_back: Sender<Box<[u8]>>,
) -> Result<(), ApplyError> {
    let mut disk = workshop.open()?;
    let mut writing: Option<(usize, &str, Writing<'_>)> = None;
    for message in messages {
        match message {
            Message::Begin { package, path, file } => {
                let begun = Writing::begin(&mut disk, path, file).map_err(|source| failed(queue, package, path, source))?;
                writing = Some((package, path, begun));
            }
            Message::Piece { bytes, length } => {
                if let Some((package, path, writing)) = &mut writing {
                    writing.write(&bytes[..length]).map_err(|source| failed(queue, *package, path, source))?;
                }
                workshop.settings.observer.tell(Event::Unpacked { bytes: length as u64 });
                // At the end nobody needs it any more.
                let _ = give_back.send(bytes);
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
            Message::Package(index) => workshop.stages(&queue.plan.incoming[index].stages, &queue.packages[index].files, &mut disk)?,
            Message::Failed(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn failed(queue: &Queue<'_>, package: usize, path: &str, source: io::Error) -> ApplyError {
    let package = queue.packages[package].package.nevra.to_string();
    TransactionError::Unpack { package, path: path.to_owned(), source }.into()
}

/// The end that unpacks.
struct Pipe<'p> {
    to_writer: Sender<Message<'p>>,
    spare: Receiver<Box<[u8]>>,
    package: usize,
}

impl<'p> Pipe<'p> {
    fn send(&self, message: Message<'p>) -> io::Result<()> {
        self.to_writer.send(message).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl<'p> Sink<'p> for Pipe<'p> {
    fn begin(&mut self, path: &'p str, file: &'p PackageFile) -> io::Result<()> {
        self.send(Message::Begin { package: self.package, path, file })
    }

    fn room(&mut self) -> io::Result<Box<[u8]>> {
        self.spare.recv().map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn piece(&mut self, bytes: Box<[u8]>, length: usize) -> io::Result<()> {
        self.send(Message::Piece { bytes, length })
    }

    fn end(&mut self) -> io::Result<bool> {
        // The other end finds out, and says so.
        self.send(Message::End).map(|()| true)
    }
}
