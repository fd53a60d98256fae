//! `user add | list | show | password | remove`.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::args::{DataArgs, PasswordArgs, UserAddArgs, UserArgs, UserCommand, UserPasswordArgs};
use super::output::{Done, End, conclude, print_json, print_table, table};
use super::reach::ask_typed;
use crate::control::Request;
use crate::control::users::{UserLine, UserStory};
use crate::pipeline::{PasswordHash, UserAct, UserName};
use crate::sys::{password, terminal};

/// Does what is asked and prints what came of it.
///
/// # Errors
/// When the reader of the output is gone.
pub fn user(command: &UserCommand, out: &mut dyn Write) -> io::Result<End> {
    let done = match command {
        UserCommand::Add(args) => add(args, out),
        UserCommand::List(data) => list(data, out),
        UserCommand::Show(args) => show(args, out),
        UserCommand::Password(args) => change_password(args, out),
        UserCommand::Remove(args) => remove(args, out),
    };
    conclude(done, out)
}

fn add(args: &UserAddArgs, out: &mut dyn Write) -> Done<()> {
    if let Some(company) = args.company.as_ref().filter(|_| !args.role.takes_company()) {
        let role = args.role.code();
        return Err(format!("a user with the role {role} is there for all companies: leave --company {company} out"));
    }
    let chosen = choose(&args.password, &args.name)?;
    let change = UserAct::Add { role: args.role, company: args.company.clone(), password: chosen.hash };
    let (value, user): (Value, Option<UserLine>) = set(&args.data, &args.name, change)?;
    let user = user.ok_or("the server does not know the user it has added")?;
    let text = format!("{} is a user now: {}", user.name, role_of(&user));
    Ok(tell(&args.data, (&text, value), chosen.drawn.as_deref(), out))
}

fn change_password(args: &UserPasswordArgs, out: &mut dyn Write) -> Done<()> {
    let chosen = choose(&args.password, &args.name)?;
    let (value, _): (Value, Option<UserLine>) =
        set(&args.data, &args.name, UserAct::Password { password: chosen.hash })?;
    let text = format!("{} has another password now", args.name);
    Ok(tell(&args.data, (&text, value), chosen.drawn.as_deref(), out))
}

fn remove(args: &UserArgs, out: &mut dyn Write) -> Done<()> {
    let (value, _): (Value, Option<UserLine>) = set(&args.data, &args.name, UserAct::Remove)?;
    let text = format!("{} is a user no more; what was done stays written down: `user show {0}`", args.name);
    Ok(tell(&args.data, (&text, value), None, out))
}

fn list(data: &DataArgs, out: &mut dyn Write) -> Done<()> {
    let (value, users): (Value, Vec<UserLine>) = ask_typed(data, &Request::Users)?;
    if data.json {
        return Ok(print_json(out, &value));
    }
    if users.is_empty() {
        return Ok(writeln!(out, "there are no users; `user add NAME --role relay` adds one"));
    }
    let rows = users.into_iter().map(|u| vec![u.name, u.role, u.company.unwrap_or_default(), u.changed_at]);
    Ok(print_table(out, &table(&["user", "role", "company", "changed"], rows)))
}

fn show(args: &UserArgs, out: &mut dyn Write) -> Done<()> {
    let request = Request::User { name: args.name.clone() };
    let (value, story): (Value, UserStory) = ask_typed(&args.data, &request)?;
    if args.data.json {
        return Ok(print_json(out, &value));
    }
    let now = story.user.as_ref().map_or_else(|| "removed".to_owned(), role_of);
    let rows = story.changes.into_iter().map(|c| vec![c.at, c.act, c.role, c.company.unwrap_or_default(), c.actor]);
    let table = table(&["when", "what", "role", "company", "by"], rows);
    Ok(writeln!(out, "{}: {now}\n", args.name).and_then(|()| print_table(out, &table)))
}

fn role_of(user: &UserLine) -> String {
    match &user.company {
        Some(company) => format!("{} for {company}", user.role),
        None => user.role.clone(),
    }
}

fn set<T: DeserializeOwned>(data: &DataArgs, name: &UserName, change: UserAct) -> Result<(Value, T), String> {
    ask_typed(data, &Request::SetUser { name: name.clone(), change })
}

/// Tells what was done, and the password that was drawn: nobody can read it again.
fn tell(data: &DataArgs, done: (&str, Value), drawn: Option<&str>, out: &mut dyn Write) -> io::Result<()> {
    let (text, value) = done;
    if data.json {
        return print_json(out, &serde_json::json!({ "user": value, "password": drawn }));
    }
    writeln!(out, "{text}")?;
    drawn.map_or(Ok(()), |drawn| writeln!(out, "password: {drawn}\nIt is shown this once and kept nowhere in clear."))
}

/// A password that was given or drawn.
struct Chosen {
    hash: PasswordHash,
    drawn: Option<String>,
}

fn choose(args: &PasswordArgs, name: &UserName) -> Result<Chosen, String> {
    if args.generate {
        let drawn = password::generate();
        let hash = hash(drawn.as_bytes())?;
        return Ok(Chosen { hash, drawn: Some(drawn) });
    }
    let typed = if io::stdin().is_terminal() { type_twice(name)? } else { read(io::stdin().lock())? };
    Ok(Chosen { hash: hash(&typed)?, drawn: None })
}

fn hash(octets: &[u8]) -> Result<PasswordHash, String> {
    password::hash(octets).map_err(|e| e.to_string())
}

fn type_twice(name: &UserName) -> Result<Vec<u8>, String> {
    let ask = |prompt: String| {
        let typed = terminal::ask_unseen(&prompt).map_err(|e| format!("the terminal cannot be read: {e}"))?;
        typed.ok_or_else(|| "broken off: nothing was changed".to_owned())
    };
    let first = ask(format!("Password for {name}: "))?;
    // What is no good is not asked for twice.
    hash(&first)?;
    if ask("Once more: ".to_owned())? == first {
        Ok(first)
    } else {
        Err("the two differ: nothing was changed".to_owned())
    }
}

/// A password from a pipe or file: all of it, but for a line end behind it.
fn read(input: impl Read) -> Result<Vec<u8>, String> {
    let mut octets = Vec::new();
    let most = password::OCTETS_MAX as u64 + 3;
    input.take(most).read_to_end(&mut octets).map_err(|e| format!("the password cannot be read: {e}"))?;
    if octets.is_empty() {
        return Err("no password is there: pipe one in, or let --generate draw one".to_owned());
    }
    let without = octets.strip_suffix(b"\n").map_or(&octets[..], |line| line.strip_suffix(b"\r").unwrap_or(line));
    Ok(without.to_vec())
}

/// A password from a file, or from standard input for `-`, in the letters SMTP clients have for it.
///
/// # Errors
/// A sentence for the admin.
pub fn read_password_file(path: &Path) -> Result<String, String> {
    let named = |why: String| format!("{}: {why}", path.display());
    let octets = if path.as_os_str() == "-" {
        read(io::stdin().lock())
    } else {
        File::open(path).map_err(|e| e.to_string()).and_then(read)
    };
    String::from_utf8(octets.map_err(named)?).map_err(|_| named("the password is not UTF-8".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piped_password_ends_before_its_line_end() {
        for (piped, password) in [("plum", "plum"), ("plum\n", "plum"), ("plum\r\n", "plum"), (" a b \n\n", " a b \n")]
        {
            assert_eq!(read(piped.as_bytes()), Ok(password.as_bytes().to_vec()));
        }
        assert!(read(&b""[..]).is_err_and(|e| e.contains("--generate")));
        let long = read(&[b'x'; 5000][..]).unwrap_or_else(|e| panic!("{e}"));
        assert!(hash(&long).is_err_and(|e| e.contains("too long")));
    }
}
