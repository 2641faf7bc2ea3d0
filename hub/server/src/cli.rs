//! The command line. Each command is a function of its own file; here are their names, their help and their exit codes.

mod backup;
pub mod balance;
pub mod check;
pub mod connector;
pub mod destination;
mod dev;
pub mod events;
pub mod explain;
pub mod init;
mod install;
mod kit;
pub mod moment;
mod pack;
mod plan;
pub mod quarantine;
pub mod reload;
mod replay;
pub mod run;
mod running;
pub mod schema;
pub mod screen;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// What the process ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything is as asked.
    Fine = 0,
    /// The command ran, and what it looked at is not right: mistakes, a difference, nothing found.
    Wrong = 1,
    /// The command could not run: no configuration, no data directory, another hub in the way.
    Failed = 3,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  everything is as asked
  1  what was looked at is not right: mistakes found, a difference in the ledger, nothing by that name
  2  the command line itself is not understood
  3  the command could not run: no configuration, no data directory, or another hub holds it

Begin with:
  snodo demo                 see a small company's hub at work, and what the commands below show of it
  snodo init my-hub          write a commented configuration, and `snodo run` it";

#[derive(Parser)]
#[command(
    name = "snodo",
    version,
    about = "Joins every place where a brand meets a customer: plug each system in once, and know what became of every event",
    after_help = EXIT_CODES,
    after_long_help = EXIT_CODES,
    disable_help_subcommand = true
)]
struct Cli {
    /// The folder that holds hub.toml, channels/ and routes/
    #[arg(long, short, global = true, env = "SNODO_CONFIG", default_value = ".", value_name = "FOLDER")]
    config: PathBuf,

    /// Print JSON, for scripts
    #[arg(long, global = true)]
    json: bool,

    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write a commented starting point: hub.toml, a channel in, a channel out, and a route between them
    Init(init::Args),
    /// Look for mistakes in hub.toml, channels/ and routes/: all of them at once, each with file, line and remedy
    Check,
    /// Say what the files as they are would change in the running hub, and what that leaves without a destination
    Plan,
    /// Run the hub until it is told to stop. It takes changed files by itself
    Run,
    /// Have the running hub take the files as they are now: all that they say, or nothing
    Reload(reload::Args),
    /// Run a small example company: real messages in, a stand-in CRM out, and the ledger of what became of them
    Demo(crate::demo::Args),
    /// Count what was accepted and what became of it; the difference is 0
    Balance(balance::Args),
    /// List events, newest last; filter them; follow them as they come
    Events(events::Args),
    /// Tell an event's whole way: raw message, canonical event, customer, every route, every attempt
    Explain(explain::Args),
    /// Everything that happened with one customer, across all channels
    Timeline(events::TimelineArgs),
    /// What could not be processed, kept whole: look at it, mend the cause, try again
    #[command(subcommand)]
    Quarantine(quarantine::Command),
    /// Send events once more, to the routes they had or to those of today: by id, time, type, channel, fate, reason, customer
    Replay(replay::Args),
    /// Which destinations fail and what waits for them; try one again that was given up
    #[command(subcommand)]
    Destination(destination::Command),
    /// Write all that the hub has stored into one file, while it runs
    Backup(backup::Args),
    /// Make the hub's store out of such a file, where there is none yet
    Restore(backup::RestoreArgs),
    /// The connectors at hand
    #[command(subcommand)]
    Connector(connector::Command),
    /// The vocabulary of canonical events, and the schemas of the configuration files
    #[command(subcommand)]
    Schema(schema::Command),
    /// Print a completion script for a shell: `snodo completions bash > /etc/bash_completion.d/snodo`
    Completions { shell: clap_complete::Shell },
    /// Compile a component from standard input to standard output; the hub calls itself with this
    #[command(hide = true)]
    CompileComponent {
        /// Count the work of what is compiled
        #[arg(long)]
        fuel: bool,
    },
}

/// What every command gets.
pub struct Invocation {
    pub config: PathBuf,
    pub json: bool,
}

pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let invocation = Invocation { config: cli.config, json: cli.json };
    match dispatch(&invocation, cli.command) {
        Ok(exit) => ExitCode::from(exit as u8),
        // The reader of a listing went away, as `head` does: that is no failure.
        Err(error) if screen::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("snodo: {error:#}");
            ExitCode::from(Exit::Failed as u8)
        }
    }
}

fn dispatch(invocation: &Invocation, command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Init(args) => init::init(invocation, &args),
        Command::Check => check::check(invocation),
        Command::Plan => plan::plan(invocation),
        Command::Run => run::run(invocation),
        Command::Reload(args) => reload::reload(invocation, &args),
        Command::Demo(args) => crate::demo::demo(invocation, &args),
        Command::Balance(args) => balance::balance(invocation, &args),
        Command::Events(args) => events::events(invocation, &args),
        Command::Explain(args) => explain::explain(invocation, &args),
        Command::Timeline(args) => events::timeline(invocation, &args),
        Command::Quarantine(command) => quarantine::quarantine(invocation, command),
        Command::Replay(args) => replay::replay(invocation, &args),
        Command::Destination(command) => destination::destination(invocation, command),
        Command::Backup(args) => backup::backup(invocation, &args),
        Command::Restore(args) => backup::restore(invocation, &args),
        Command::Connector(command) => connector::connector(invocation, command),
        Command::Schema(command) => schema::schema(invocation, command),
        Command::Completions { shell } => {
            // Into memory first: clap panics when its reader goes away.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "snodo", &mut script);
            screen::line(String::from_utf8_lossy(&script).trim_end())?;
            Ok(Exit::Fine)
        }
        Command::CompileComponent { fuel } => {
            let fuel = if fuel { snodo_host::Fuel::Counted } else { snodo_host::Fuel::Uncounted };
            snodo_host::compile_main(fuel, std::io::stdin().lock(), std::io::stdout().lock())?;
            Ok(Exit::Fine)
        }
    }
}
