//! `career-relay serve`: the gateway as a service, with its log, its signals and its word to systemd.

use std::path::Path;
use std::process::ExitCode;

use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::gateway::Gateway;
use super::handed::Handed;
use crate::cli::check;
use crate::config::{self, Inspection, LogFormat, LogLevel, LogSettings};
use crate::watch::{LogOptions, Watch, silence_panics, start_log};

/// Runs until it is told to stop, or cannot go on; the service manager starts it again then.
pub fn serve(config: &Path) -> ExitCode {
    let Inspection { settings, findings } = config::inspect(config);
    let Some(settings) = settings else {
        eprint!("{}", check::findings_text(&findings));
        return ExitCode::FAILURE;
    };
    let watch = Watch::new();
    let _log = start_log(log_options(settings.log), &watch);
    silence_panics();
    for warning in &findings {
        tracing::warn!(target: "config", file = %warning.file.display(), line = warning.line, "{warning}");
    }
    let handed = match Handed::from_environment() {
        Ok(sockets) => sockets,
        Err(error) => {
            eprintln!("career-relay: a socket handed over cannot be used: {error}");
            return ExitCode::FAILURE;
        }
    };
    let runtime = match super::runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("career-relay: no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(async {
        let signals = Signals::watch();
        match Gateway::start(settings, handed, watch).await {
            Ok(gateway) => run(gateway, signals, config).await,
            Err(fault) => {
                eprintln!("career-relay: {fault}");
                ExitCode::FAILURE
            }
        }
    })
}

async fn run(gateway: Gateway, mut signals: Signals, config: &Path) -> ExitCode {
    tracing::info!(addresses = ?gateway.addresses(), version = env!("CARGO_PKG_VERSION"), "listening");
    tell_manager(NotifyState::Ready);
    let why = loop {
        tokio::select! {
            why = gateway.ended() => break why,
            told = signals.next() => match told {
                Told::Stop => break None,
                Told::Reload => reload(&gateway, config).await,
            },
        }
    };
    tell_manager(NotifyState::Stopping);
    if let Some(why) = why {
        // A failed sync is not tried again: what the disk holds is read anew by the next start (design §3.4).
        tracing::error!(%why, "the spool failed; ending, to start again from the disk");
        gateway.stop().await;
        return ExitCode::FAILURE;
    }
    gateway.stop().await;
    tracing::info!("stopped");
    ExitCode::SUCCESS
}

/// Reads the files beside the runtime and hands them to the gateway.
async fn reload(gateway: &Gateway, config: &Path) {
    let path = config.to_owned();
    // A panic there was logged where it happened; what is in force stays.
    if let Ok(inspection) = tokio::task::spawn_blocking(move || config::inspect(&path)).await {
        gateway.reload(inspection).await;
    }
}

/// What a signal tells us.
enum Told {
    Stop,
    Reload,
}

/// The signals of an admin or a service manager, from the moment they are watched: one that comes while we start is not
/// lost.
struct Signals(Option<[Signal; 3]>);

impl Signals {
    fn watch() -> Self {
        let of = |kind| signal(kind).ok();
        let (term, int) = (of(SignalKind::terminate()), of(SignalKind::interrupt()));
        let hup = of(SignalKind::hangup());
        Self(term.zip(int).zip(hup).map(|((term, int), hup)| [term, int, hup]))
    }

    async fn next(&mut self) -> Told {
        let Some([term, int, hup]) = &mut self.0 else {
            // Without handlers the signals end the process at once, which is as safe as a power cut.
            return std::future::pending().await;
        };
        tokio::select! {
            _ = term.recv() => Told::Stop,
            _ = int.recv() => Told::Stop,
            _ = hup.recv() => Told::Reload,
        }
    }
}

/// Says how it stands to the service manager, if there is one.
fn tell_manager(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "the service manager does not listen");
    }
}

fn log_options(log: LogSettings) -> LogOptions {
    let level = match log.level {
        LogLevel::Error => tracing::Level::ERROR,
        LogLevel::Warn => tracing::Level::WARN,
        LogLevel::Info => tracing::Level::INFO,
        LogLevel::Debug => tracing::Level::DEBUG,
    };
    LogOptions { json: log.format == LogFormat::Json, level, queue_lines_max: log.queue_lines_max }
}
