//! The one program of the container image that boot tests run: statically linked, so that the image contains nothing else.

mod adaptive;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["say", text] => println!("{text}"),
        ["types"] => match adaptive::process_by_types() {
            Ok(process) if process == std::process::id() => println!("adapted"),
            answer => println!("{answer:?} in process {}", std::process::id()),
        },
        ["exit", code] => return code.parse::<u8>().map_or(ExitCode::FAILURE, ExitCode::from),
        ["serve", port] => serve(port, "answer"),
        ["greet", port] => serve(port, &std::fs::read_to_string("/proc/sys/kernel/hostname").expect("proc is mounted")),
        ["ask", address] => return ask(address),
        ["ask", address, times] => {
            let codes = (0..times.parse().expect("a number")).map(|_: u32| ask(address));
            return codes.fold(ExitCode::SUCCESS, |all, code| if code == ExitCode::SUCCESS { all } else { code });
        }
        _ => return ExitCode::from(64),
    }
    ExitCode::SUCCESS
}

fn serve(port: &str, answer: &str) {
    let listener = TcpListener::bind(format!("0.0.0.0:{port}")).expect("the port is free in a fresh container");
    for stream in listener.incoming().flatten() {
        let mut stream = stream;
        let _ = stream.write_all(answer.as_bytes());
    }
}

fn ask(address: &str) -> ExitCode {
    let mut answer = String::new();
    let asked = TcpStream::connect(address).and_then(|mut stream| stream.read_to_string(&mut answer));
    match asked {
        Ok(_) => println!("{}", answer.trim_end()),
        Err(error) => {
            eprintln!("{address}: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
