//! `career-relay serve`: the gateway as a service, with its log, its signals and its word to systemd.

use std::net::TcpListener;
use std::path::Path;
use std::process::ExitCode;

use listenfd::ListenFd;
use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};

use super::gateway::Gateway;
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
    let handed = match handed_sockets() {
        Ok(sockets) => sockets,
        Err(error) => {
            eprintln!("career-relay: a socket handed over cannot be used: {error}");
            return ExitCode::FAILURE;
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("career-relay: no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(async {
        let told_to_stop = told_to_stop();
        match Gateway::start(settings, handed, watch).await {
            Ok(gateway) => run(gateway, told_to_stop).await,
            Err(fault) => {
                eprintln!("career-relay: {fault}");
                ExitCode::FAILURE
            }
        }
    })
}

async fn run(gateway: Gateway, told_to_stop: impl Future<Output = ()>) -> ExitCode {
    tracing::info!(addresses = ?gateway.addresses(), version = env!("CARGO_PKG_VERSION"), "listening");
    tell_manager(NotifyState::Ready);
    let why = tokio::select! {
        why = gateway.ended() => why,
        () = told_to_stop => None,
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

/// Completes when a signal tells us to stop, from this call on: one that comes while we start is not lost. A hangup
/// changes nothing and is noted.
fn told_to_stop() -> impl Future<Output = ()> {
    let of = |kind| signal(kind).ok();
    let (term, int) = (of(SignalKind::terminate()), of(SignalKind::interrupt()));
    let hup = of(SignalKind::hangup());
    async move {
        let (Some(mut term), Some(mut int), Some(mut hup)) = (term, int, hup) else {
            // Without handlers the signals end the process at once, which is as safe as a power cut.
            return std::future::pending().await;
        };
        loop {
            tokio::select! {
                _ = term.recv() => return,
                _ = int.recv() => return,
                _ = hup.recv() => tracing::warn!("SIGHUP changes nothing: restart to take changed files"),
            }
        }
    }
}

/// Says how it stands to the service manager, if there is one.
fn tell_manager(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "the service manager does not listen");
    }
}

fn handed_sockets() -> std::io::Result<Vec<TcpListener>> {
    let mut handed = ListenFd::from_env();
    let mut sockets = Vec::with_capacity(handed.len());
    for index in 0..handed.len() {
        sockets.extend(handed.take_tcp_listener(index)?);
    }
    Ok(sockets)
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
