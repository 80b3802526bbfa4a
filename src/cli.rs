//! The command line, defined once: help, errors (and later man page and completions) come from here.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, CommandFactory as _, Parser, Subcommand};

use crate::config::listen::Listen;
use crate::config::quote::quoted;
use crate::config::{self, FormatChoice, Picture, SourceSpec, orientation, suggest};
use crate::limits;
use crate::picture::orientation::{Crop, Mirror, Orientation, Rotation};

/// Any USB or IP camera, in any browser.
#[derive(Debug, Parser)]
#[command(
    name = "pinhole",
    version,
    about,
    override_usage = "pinhole [serve] [OPTIONS] [SOURCE]...\n       pinhole <COMMAND>",
    after_help = "Without a command, pinhole serves cameras: \"pinhole help serve\" shows its options."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve cameras over HTTP (the default command)
    Serve(Serve),
    /// List V4L2 capture devices: stable name, formats, sizes, rates
    Cameras {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Open a source and show what it delivers, how fast, or why nothing comes
    Probe {
        /// The camera to open: /dev/video0, rtsp://..., http://..., file:... or test:
        #[arg(value_parser = parse_source)]
        source: SourceSpec,
        /// As JSON
        #[arg(long)]
        json: bool,
        /// What pictures to ask for.
        #[command(flatten)]
        picture: PictureArgs,
    },
    /// Take one JPEG picture
    Snapshot {
        /// The camera: /dev/video0, rtsp://..., http://..., file:... or test:
        #[arg(value_parser = parse_source)]
        source: SourceSpec,
        /// The file to write; - for standard output
        #[arg(long, short, value_name = "FILE")]
        output: PathBuf,
        /// What pictures to ask for.
        #[command(flatten)]
        picture: PictureArgs,
    },
    /// Check a configuration file
    Check {
        /// The file to check
        file: PathBuf,
    },
    /// Read a password from standard input and print its hash, for password_hash in the configuration
    HashPassword,
    /// What the units of the flashed image run
    #[command(subcommand, hide = true)]
    Appliance(Appliance),
}

/// What the units of the flashed image run.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum Appliance {
    /// Apply pinhole.toml of the boot partition
    Configure,
    /// Show the status on screen and serial console
    Status,
}

/// Options of `serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Configuration file; the default one need not exist
    #[arg(long, value_name = "FILE", help = format!("Configuration file [default: {} where it exists]", config::DEFAULT_FILE))]
    pub config: Option<PathBuf>,
    /// Address to listen on; repeatable
    #[arg(
        long,
        value_name = "ADDR:PORT",
        value_parser = parse_listen,
        help = "Address to listen on; repeatable [default: [::]:8080, or 0.0.0.0:8080 where IPv6 is off]"
    )]
    pub listen: Vec<Listen>,
    /// What pictures to ask the named sources for.
    #[command(flatten)]
    pub picture: PictureArgs,
    /// auto (every V4L2 camera), /dev/videoN, a path in /dev/v4l/by-id, rtsp://..., http://..., file:... or test:;
    /// these replace the cameras of the configuration file
    #[arg(value_name = "SOURCE", value_parser = parse_source)]
    pub sources: Vec<SourceSpec>,
}

/// What pictures to ask for.
#[derive(Debug, Args)]
pub struct PictureArgs {
    /// Size in pixels [default: the camera's nearest to 1280x720]
    #[arg(long, value_name = "WxH", value_parser = config::parse_size)]
    pub size: Option<(u32, u32)>,
    /// Pictures per second [default: the camera's nearest to 30]
    #[arg(long, value_name = "N", value_parser = parse_fps)]
    pub fps: Option<u32>,
    /// auto, mjpeg, yuyv, nv12, ... [default: auto]
    #[arg(long, value_name = "FORMAT", value_parser = parse_format)]
    pub format: Option<FormatChoice>,
    /// JPEG quality where Pinhole encodes, 1 to 100 [default: 80]
    #[arg(long, value_name = "1..100", value_parser = parse_quality)]
    pub quality: Option<u8>,
    /// Degrees to turn pictures clockwise: 90, 180 or 270
    #[arg(long, value_name = "DEGREES", value_parser = orientation::parse_rotation)]
    pub rotate: Option<Rotation>,
    /// Sides to exchange, after rotation: horizontal (left and right) or vertical
    #[arg(long, value_name = "WAY", value_parser = orientation::parse_mirror)]
    pub mirror: Option<Mirror>,
    /// The part to show of what is seen then, in pixels
    #[arg(long, value_name = "X,Y,WIDTH,HEIGHT", value_parser = orientation::parse_crop)]
    pub crop: Option<Crop>,
}

impl PictureArgs {
    /// The picture asked for, by default where nothing was said.
    pub fn picture(&self) -> Picture {
        let default = Picture::default();
        Picture {
            size: self.size,
            fps: self.fps,
            format: self.format.unwrap_or(default.format),
            quality: self.quality.unwrap_or(default.quality),
            chroma: default.chroma,
            orientation: Orientation {
                rotate: self.rotate.unwrap_or_default(),
                mirror: self.mirror,
                crop: self.crop,
            },
        }
    }

    /// The first option that was given.
    pub fn given(&self) -> Option<&'static str> {
        let options = [
            ("--size", self.size.is_some()),
            ("--fps", self.fps.is_some()),
            ("--format", self.format.is_some()),
            ("--quality", self.quality.is_some()),
            ("--rotate", self.rotate.is_some()),
            ("--mirror", self.mirror.is_some()),
            ("--crop", self.crop.is_some()),
        ];
        options.into_iter().find_map(|(name, given)| given.then_some(name))
    }
}

fn parse_listen(text: &str) -> Result<Listen, String> {
    text.parse()
}

fn parse_source(text: &str) -> Result<SourceSpec, String> {
    text.parse()
}

fn parse_format(text: &str) -> Result<FormatChoice, String> {
    text.parse()
}

fn parse_fps(text: &str) -> Result<u32, String> {
    let wrong = || format!("must be 1 to {}, got {}", limits::FPS_MAX, quoted(text));
    config::check_fps(text.parse().map_err(|_| wrong())?)
}

fn parse_quality(text: &str) -> Result<u8, String> {
    config::check_quality(text.parse().map_err(|_| format!("must be 1 to 100, got {}", quoted(text)))?)
}

/// Parses the arguments, the program's name first. Without a command, `serve` is meant.
///
/// # Errors
/// clap's, which also carries help and version.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, clap::Error> {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    let first = arguments.get(1).and_then(|it| it.to_str()).unwrap_or_default();
    let commands = commands();
    let is_global = ["-h", "--help", "-V", "--version"].contains(&first);
    if !is_global && !commands.iter().any(|command| command == first) {
        if let Some(error) = mistyped_command(first, &commands) {
            return Err(error);
        }
        arguments.insert(arguments.len().min(1), "serve".into());
    }
    Cli::try_parse_from(arguments).map(|cli| cli.command)
}

/// The option that a mistyped one is nearest to, of any command.
pub fn nearest_option(option: &str) -> Option<String> {
    let program = Cli::command();
    let arguments = program.get_subcommands().flat_map(clap::Command::get_arguments);
    let known: Vec<String> =
        arguments.filter_map(|it| it.get_long()).map(|long| format!("--{long}")).collect();
    let name = option.split('=').next().unwrap_or_default();
    suggest::nearest(name, &known.iter().map(String::as_str).collect::<Vec<_>>()).map(str::to_owned)
}

fn commands() -> Vec<String> {
    let mut program = Cli::command();
    program.build();
    program.get_subcommands().map(|command| command.get_name().to_owned()).collect()
}

/// The error for a word that is not a source but nearly a command, such as `server`.
fn mistyped_command(word: &str, commands: &[String]) -> Option<clap::Error> {
    if word.starts_with('-') || word.parse::<SourceSpec>().is_ok() {
        return None;
    }
    let names: Vec<&str> = commands.iter().map(String::as_str).collect();
    // What other programs call theirs.
    let meant = match word.to_ascii_lowercase().as_str() {
        "version" => "--version",
        "list" | "devices" | "ls" => "cameras",
        "start" | "run" => "serve",
        "test" => return None,
        word => suggest::nearest(word, &names)?,
    };
    let what = format!("unknown command \"{word}\"; did you mean \"pinhole {meant}\"?\n");
    Some(clap::Error::raw(clap::error::ErrorKind::InvalidSubcommand, what))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, clap::Error> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn serve_is_the_default_command() {
        for line in ["pinhole", "pinhole serve", "pinhole --listen 127.0.0.1:80 test:", "pinhole /dev/video0"]
        {
            assert!(matches!(parsed(line), Ok(Command::Serve(_))), "{line}");
        }
        let Ok(Command::Serve(serve)) = parsed("pinhole --size 640x480 --fps 5 --format yuyv auto test:")
        else {
            panic!("not serve")
        };
        assert_eq!(serve.sources, [SourceSpec::Auto, SourceSpec::TestCard]);
        assert_eq!((serve.picture.size, serve.picture.fps), (Some((640, 480)), Some(5)));
        assert!(matches!(parsed("pinhole cameras --json"), Ok(Command::Cameras { json: true })));
    }

    #[test]
    fn mistakes_say_what_is_allowed() {
        for (line, part) in [
            ("pinhole --size big", "WIDTHxHEIGHT"),
            ("pinhole --quality 0", "1 to 100"),
            ("pinhole --rotate 45", "must be 0, 90, 180 or 270, in degrees clockwise, got \"45\""),
            ("pinhole --mirror both", "for both write rotate = 180"),
            ("pinhole --crop 640x480+0+0", "did you mean \"0,0,640,480\"?"),
            ("pinhole --format h264", "auto, mjpeg"),
            ("pinhole frobnicate", "use one of: auto, a device such as /dev/video0"),
            ("pinhole server", "unknown command \"server\"; did you mean \"pinhole serve\"?"),
            ("pinhole camera", "did you mean \"pinhole cameras\"?"),
            ("pinhole snapshto test:", "did you mean \"pinhole snapshot\"?"),
            ("pinhole version", "did you mean \"pinhole --version\"?"),
            ("pinhole help sevre", "sevre"),
            ("pinhole test", "write \"test:\""),
            ("pinhole --fps fast", "must be 1 to 240, got \"fast\""),
            ("pinhole --listen 0.0.0.0", "\"0.0.0.0\" has no port; write \"0.0.0.0:8080\""),
            ("pinhole --listen 70000", "must be 1 to 65535"),
            ("pinhole --frobnicate", "unexpected argument"),
        ] {
            let error = parsed(line).unwrap_err().to_string();
            assert!(error.contains(part), "{line}: {error}");
        }
    }

    #[test]
    fn help_is_a_command_and_an_option() {
        for line in ["pinhole help", "pinhole -h", "pinhole --help", "pinhole help serve", "pinhole serve -h"]
        {
            let error = parsed(line).unwrap_err();
            assert!(!error.use_stderr() && error.to_string().contains("Usage:"), "{line}: {error}");
        }
        assert!(parsed("pinhole help serve").unwrap_err().to_string().contains("--listen"));
        assert!(!parsed("pinhole -V").unwrap_err().use_stderr());
    }

    #[test]
    fn the_definition_is_sound() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }
}
