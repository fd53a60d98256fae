//! Somebody between Postfix and the milter, who passes on what each says and kills the milter while it answers.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

/// Where the next answer is cut short.
#[derive(Clone, Copy)]
struct Aim {
    pid: u32,
    round: u32,
}

/// What was said on one connection.
type Heard = Arc<Mutex<String>>;

/// Passes everything on, and remembers what the MTA said.
pub struct Between {
    aim: Arc<Mutex<Option<Aim>>>,
    said: Arc<Mutex<Vec<Heard>>>,
}

/// The aim, until it is dropped.
pub struct Killing(Arc<Mutex<Option<Aim>>>);

impl Drop for Killing {
    fn drop(&mut self) {
        *self.0.lock().expect("the aim") = None;
    }
}

fn kill(pid: u32) {
    let _ = Command::new("kill").args(["-KILL", &pid.to_string()]).status();
}

impl Between {
    /// Stands in front of the milter at this place; returns where Postfix finds it.
    pub fn start(milter: &str) -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let place = format!("inet:{}", listener.local_addr().expect("an address"));
        let to = milter.trim_start_matches("inet:").to_owned();
        let aim: Arc<Mutex<Option<Aim>>> = Arc::default();
        let said: Arc<Mutex<Vec<Heard>>> = Arc::default();
        let (seen, all) = (Arc::clone(&aim), Arc::clone(&said));
        thread::spawn(move || {
            for mta in listener.incoming().flatten() {
                let Ok(milter) = TcpStream::connect(&to) else { continue };
                let (seen, heard) = (Arc::clone(&seen), Heard::default());
                all.lock().expect("the conversations").push(Arc::clone(&heard));
                thread::spawn(move || pass_on(mta, milter, &seen, &heard));
            }
        });
        (Self { aim, said }, place)
    }

    /// What the MTA has said on the connection with most of it, a packet a line, as in `tests/corpus/milter`.
    pub fn said(&self) -> String {
        let all = self.said.lock().expect("the conversations");
        let all = all.iter().map(|heard| heard.lock().expect("a conversation").clone());
        all.max_by_key(String::len).unwrap_or_default()
    }

    /// Kills this process around its next answer to a whole mail: in round 0 before it hears the end of the mail, in
    /// round 1 when the first octet of its answer is here, and later on somewhere between.
    pub fn kill_at_answer(&self, pid: u32, round: u32) -> Killing {
        *self.aim.lock().expect("the aim") = Some(Aim { pid, round });
        Killing(Arc::clone(&self.aim))
    }
}

/// Reads one packet with its length; nothing when the other side has gone.
fn packet(from: &mut TcpStream) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length).ok()?;
    let mut rest = vec![0; u32::from_be_bytes(length) as usize];
    from.read_exact(&mut rest).ok()?;
    Some([&length[..], &rest].concat())
}

fn pass_on(mut mta: TcpStream, mut milter: TcpStream, aim: &Arc<Mutex<Option<Aim>>>, heard: &Mutex<String>) {
    let mut to_mta = mta.try_clone().expect("a socket");
    let mut from_milter = milter.try_clone().expect("a socket");
    let seen = Arc::clone(aim);
    let back = thread::spawn(move || {
        while let Some(said) = packet(&mut from_milter) {
            let is_answer = matches!(said[4], b'i' | b'm' | b'b');
            let aimed = seen.lock().expect("the aim").filter(|aim| aim.round == 1 && is_answer);
            if let Some(aim) = aimed {
                kill(aim.pid);
            }
            if to_mta.write_all(&said).is_err() {
                return;
            }
        }
        let _ = to_mta.shutdown(std::net::Shutdown::Both);
    });
    while let Some(said) = packet(&mut mta) {
        *heard.lock().expect("the conversation") += &line(&said);
        let aimed = seen_end(&said, aim);
        match aimed {
            Some(aim) if aim.round == 0 => kill(aim.pid),
            Some(aim) if aim.round > 1 => {
                // Starting the killer takes about as long as an answer: some come before it and some behind.
                thread::spawn(move || kill(aim.pid));
                for _ in 0..aim.round * 300 {
                    thread::yield_now();
                }
            }
            _ => {}
        }
        if milter.write_all(&said).is_err() {
            break;
        }
    }
    let _ = milter.shutdown(std::net::Shutdown::Write);
    let _ = back.join();
}

fn line(said: &[u8]) -> String {
    let text = format!("> {} {}", char::from(said[4]), said[5..].escape_ascii());
    text.trim_end().to_owned() + "\n"
}

fn seen_end(said: &[u8], aim: &Arc<Mutex<Option<Aim>>>) -> Option<Aim> {
    aim.lock().expect("the aim").filter(|_| said[4] == b'E')
}
