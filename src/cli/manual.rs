//! Owns what is made of the definition of the arguments: completions for shells, and the manual.

use clap::CommandFactory;
use clap_mangen::Man;

use super::args::{Cli, CompletionsArgs};
use super::{Failure, print_lines};

/// What a shell needs to complete arguments.
pub fn completions(args: &CompletionsArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "rushes", &mut script);
    print(&script)
}

/// A page for the program, then one for each command.
pub fn man() -> Result<(), Failure> {
    let mut command = Cli::command();
    command.build();
    let mut pages = Vec::new();
    append(&command, &mut pages).map_err(|error| Failure::new(Failure::FAILED, error.to_string()))?;
    print(&pages)
}

fn append(command: &clap::Command, pages: &mut Vec<u8>) -> std::io::Result<()> {
    Man::new(command.clone()).render(pages)?;
    let commands = command.get_subcommands().filter(|command| command.get_name() != "help");
    commands.into_iter().try_for_each(|command| append(command, pages))
}

fn print(text: &[u8]) -> Result<(), Failure> {
    print_lines(String::from_utf8_lossy(text).lines().map(String::from))
}
