//! Writes manual pages and shell completions from the definition of the command line.
//!
//!     manual FOLDER
//!
//! Into FOLDER/man1 go `pinhole.1` and a page for each command; into FOLDER/completions go `pinhole.bash`,
//! `_pinhole` (zsh) and `pinhole.fish`. The same version gives the same bytes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use pinhole::{cli::Cli, config};

fn main() -> ExitCode {
    let folders: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [folder] = &folders[..] else {
        eprintln!("usage: manual FOLDER");
        return ExitCode::from(2);
    };
    match pages(&folder.join("man1")).and_then(|()| completions(&folder.join("completions"))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("manual: {}: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}

fn completions(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut Cli::command(), "pinhole", folder)?;
    }
    Ok(())
}

fn pages(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut program = Cli::command();
    program.build();
    let names: Vec<String> = program.get_subcommands().map(page_name).collect();
    for command in program.get_subcommands() {
        let see = [vec!["pinhole".to_owned()], names.clone()].concat();
        let see: Vec<String> = see.into_iter().filter(|name| *name != page_name(command)).collect();
        page(folder, command.clone(), &[], &see)?;
    }
    page(folder, program, &SECTIONS, &names)
}

fn page_name(command: &Command) -> String {
    command.get_display_name().unwrap_or(command.get_name()).to_owned()
}

/// Writes one page: clap's content, then `sections`, then references.
fn page(
    folder: &Path,
    command: Command,
    sections: &[(&str, &[(&str, &str)])],
    see: &[String],
) -> io::Result<()> {
    let has_commands = command.get_subcommands().next().is_some();
    let version = Cli::command().get_version().unwrap_or_default().to_owned();
    let man = Man::new(command).source(format!("Pinhole {version}")).manual("Pinhole manual");
    let mut file = fs::File::create(folder.join(man.get_filename()))?;
    man.render_title(&mut file)?;
    man.render_name_section(&mut file)?;
    man.render_synopsis_section(&mut file)?;
    man.render_description_section(&mut file)?;
    man.render_options_section(&mut file)?;
    if has_commands {
        man.render_subcommands_section(&mut file)?;
    }
    let mut roff = Roff::new();
    for (heading, entries) in sections {
        roff.control("SH", [*heading]);
        for (term, text) in *entries {
            roff.control("TP", []);
            roff.text([bold(*term)]);
            roff.text([roman(*text)]);
        }
    }
    roff.control("SH", ["SEE ALSO"]);
    let see: Vec<String> = see.iter().map(|name| format!("{name}(1)")).collect();
    roff.text([roman(see.join(", "))]);
    roff.to_writer(&mut file)
}

/// Sections of the program's page that the definition of the command line lacks.
const SECTIONS: [(&str, &[(&str, &str)]); 4] = [
    (
        "EXIT STATUS",
        &[
            ("0", "after SIGTERM or SIGINT: streams have ended and cameras are closed."),
            ("2", "for a mistake in the command line or the configuration file, shown with what to write."),
            ("1", "for anything else."),
        ],
    ),
    (
        "ENVIRONMENT",
        &[
            ("PINHOLE_LOG", "log level: error, warn, info (the default) or debug."),
            (
                "NOTIFY_SOCKET, WATCHDOG_USEC, LISTEN_FDS",
                "set by systemd: readiness, watchdog, and sockets that replace the configured addresses.",
            ),
        ],
    ),
    (
        "FILES",
        &[
            (config::DEFAULT_FILE, "the configuration, in TOML, with comments. `pinhole check` checks it."),
            (
                "/usr/lib/systemd/system/pinhole.service, pinhole.socket",
                "the service, and port 80 for it: systemctl stop pinhole, systemctl enable --now \
                 pinhole.socket, systemctl start pinhole.",
            ),
            (
                "/usr/share/doc/pinhole/docs/",
                "configuration.md, http.md, troubleshooting.md and more: what each key, URL and message means.",
            ),
        ],
    ),
    (
        "EXAMPLES",
        &[
            ("pinhole", "serves every camera on port 8080."),
            ("pinhole --size 640x480 --fps 15 /dev/video0", "serves one camera, with these pictures."),
            ("pinhole probe /dev/video0", "shows what a camera delivers, or why it gives no picture."),
        ],
    ),
];
