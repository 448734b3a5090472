use std::path::{Path, PathBuf};
use xtask::apt::Settings;
use xtask::cancel::Cancel;
use xtask::progress::{Event, Reporter};
use xtask::sdk::Sdk;
use xtask::store::Store;
struct P;
impl Reporter for P {
    fn event(&self, e: Event) {
        if !matches!(e, Event::Amount { .. }) {
            eprintln!("{e:?}")
        }
    }
}
fn main() {
    let a: Vec<String> = std::env::args().skip(1).collect();
    let root = PathBuf::from("/work/wt/sdk");
    let root = std::env::var("ROOT").map(PathBuf::from).unwrap_or(root);
    let home = std::env::var("KAON_STORE").unwrap_or_else(|_| format!("{}/.cache/kaon", std::env::var("HOME").unwrap()));
    let store = Store::open(Path::new(&home)).unwrap();
    let settings = Settings {
        debian_mirror: std::env::var("KAON_DEBIAN_MIRROR").ok(),
        source_mirrors: vec![],
        apt_folder: std::env::var("APT").unwrap_or("/etc/apt".into()).into(),
        keyring: Sdk::keyring(&root),
        locked: std::env::var("LOCKED").is_ok(),
    };
    let cancel = Cancel::new();
    let flag = cancel.flag();
    signal_hook::flag::register(2, flag).unwrap();
    let run = || -> Result<(), xtask::diagnostic::Report> {
        let mut sdk = Sdk::load(&root)?;
        match a[0].as_str() {
            "update" => {
                for c in sdk.update(&store, &settings, &cancel)? {
                    println!("{c}")
                }
            }
            "status" => {
                for s in sdk.status(&store) {
                    println!("{s:?}")
                }
            }
            "ensure" => {
                let l: Vec<_> = a[1..].iter().map(|n| n.parse().unwrap()).collect();
                for t in sdk.ensure(&store, &settings, &l, &P, &cancel)? {
                    println!("{} {} {}", t.name, t.digest, t.path.display())
                }
            }
            _ => {}
        }
        Ok(())
    };
    if let Err(e) = run() {
        eprint!("{}", xtask::diagnostic::render(e.failure(), xtask::diagnostic::Style::Plain));
        std::process::exit(e.failure().exit() as i32)
    }
}
